"""A certificate of ownership to verify and to show, of the mini gateway's, with what is needed for that in files."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result
from joserfc import jws
from joserfc.jwk import OKPKey

from conformance import sd_jwt
from conformance.commands.ownership import ownership
from conformance.mini_gateway import certificates
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.world import Client, Json, Owned, World

PAGE = Path(certificates.__file__).parents[1] / "templates" / "verify.html"


@dataclass
class Issued:
    """A certificate with what is needed to verify it, in files. `key` is its holder's."""

    world: World
    owned: Owned
    key: OKPKey
    text: str
    folder: Path

    def issue(self, holder_key: Json | None = None) -> None:
        """A new certificate, bound to this key or to `key`; to none when it is {}."""
        public = {name: self.key.as_dict(private=False)[name] for name in ("kty", "crv", "x")}
        public = public if holder_key is None else holder_key
        body, client = {"holder_key": public} if public else {}, Client("shop", "", "", (), {})
        call = Call("issue_certificate", {"entitlement_id": "ent_1"}, {}, body, "0", client)
        self.text = certificates.issue_certificate(self.world, call)["certificate"]
        self.refresh()

    def bound(self, text: str, said: bytes) -> str:
        """What is shown with a proof that says this."""
        header = {"alg": "Ed25519", "typ": "kb+jwt"}
        return text + jws.serialize_compact(header, said, self.key, algorithms=["Ed25519"])

    def refresh(self) -> None:
        """Write keys and list as they are now."""
        keys = {"keys": [self.world.key.as_dict(private=False)]}
        (self.folder / "jwks.json").write_text(json.dumps(keys))
        (self.folder / "list.jwt").write_text(certificates._list(self.world, self.world.key))

    def shown(self, *names: str, nonce: str = "") -> Path:
        """A file of what the holder shows: these claims, and her proof when there is a nonce."""
        parts = sd_jwt.parsed(self.text)
        kept = [one.text for one in parts.disclosures if one.name in names or not names]
        text = "~".join([parts.jwt, *kept, ""])
        if nonce:
            claims = {"iat": int(time.time()), "nonce": nonce, "aud": "x", "sd_hash": sd_jwt.digest(text)}
            text = self.bound(text, json.dumps(claims).encode())
        path = self.folder / "shown.txt"
        path.write_text(text)
        return path

    def verify(self, path: Path, *options: str, listed: bool = True) -> Result:
        """The command."""
        options = (*options, "--keys", str(self.folder / "jwks.json"))
        options += ("--status-list", str(self.folder / "list.jwt")) if listed else ()
        return CliRunner().invoke(ownership, ["verify", str(path), *options])


def issued_in(folder: Path) -> Issued:
    """A certificate of the mini gateway's, bound to a key, with its files in a folder."""
    world, key = World(), OKPKey.generate_key("Ed25519")
    world.url = "https://gateway.example"
    body: Json = {
        "id": "ent_1",
        "status": "active",
        "order_id": "ord_1",
        "acquired_at": "2026-11-23T18:43:08Z",
        "origin": {"channel": "Shop"},
        "product": {"id": "prd_1", "name": "Öl & 港湾", "kind": "game_key"},
    }
    owned = world.owned["ent_1"] = Owned("shop", body, "always", {"amount": 1, "currency": "EUR"})
    made = Issued(world, owned, key, "", folder)
    made.issue()
    return made
