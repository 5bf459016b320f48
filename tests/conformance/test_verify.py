"""Certificates of ownership verified offline: by the suite's own code, by the command, and by the page in Chromium."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from joserfc import jws, jwt
from joserfc.jwk import OKPKey
from playwright.async_api import Browser

from conformance import sd_jwt
from conformance.commands.ownership import ownership
from conformance.mini_gateway import certificates
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.world import Client, Json, Owned, World
from tests.fixtures.browser import accessible, needs_chromium

PAGE = Path(certificates.__file__).parents[1] / "templates" / "verify.html"


@dataclass
class Issued:
    """A certificate with what is needed to verify it, in files. `key` is its holder's."""

    world: World
    owned: Owned
    key: OKPKey
    text: str
    folder: Path

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
            header = {"alg": "Ed25519", "typ": "kb+jwt"}
            text += jws.serialize_compact(
                header, json.dumps(claims).encode(), self.key, algorithms=["Ed25519"]
            )
        path = self.folder / "shown.txt"
        path.write_text(text)
        return path

    def verify(self, path: Path, *options: str, listed: bool = True) -> Result:
        """The command."""
        options = (*options, "--keys", str(self.folder / "jwks.json"))
        options += ("--status-list", str(self.folder / "list.jwt")) if listed else ()
        return CliRunner().invoke(ownership, ["verify", str(path), *options])


@pytest.fixture
def issued(tmp_path: Path) -> Iterator[Issued]:
    """A certificate of the mini gateway's, bound to a key."""
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
    public = {name: key.as_dict(private=False)[name] for name in ("kty", "crv", "x")}
    client = Client("shop", "", "", (), {})
    call = Call("issue_certificate", {"entitlement_id": "ent_1"}, {}, {"holder_key": public}, "0", client)
    made = Issued(world, owned, key, certificates.issue_certificate(world, call)["certificate"], tmp_path)
    made.refresh()
    return made


def test_it_holds(issued: Issued) -> None:
    """With all claims, with one, with the holder's proof; and the command says what it was shown."""
    whole = issued.verify(issued.shown())
    assert (whole.exit_code, "Öl & 港湾" in whole.output, "price" in whole.output) == (0, True, True)
    part = issued.verify(issued.shown("product_name", nonce="n-1"), "--nonce", "n-1", "--json")
    told = json.loads(part.output)
    assert (part.exit_code, told["valid"], told["holder_proven"], told["status"]) == (0, True, True, "valid")
    assert not {"price", "order_id", "channel"} & told["claims"].keys()


def test_it_does_not(issued: Issued) -> None:
    """Tampered with, of another nonce, unproven, suspended, revoked, expired: exit code 1, and why."""
    path = issued.shown()
    text = path.read_text()
    path.write_text(text.replace("~", "~" + text.split("~")[1] + "~", 1))
    assert (issued.verify(path).exit_code, "not its own" in issued.verify(path).output) == (1, True)
    assert issued.verify(issued.shown(nonce="n-1"), "--nonce", "n-2").exit_code == 1
    assert "has not proven" in issued.verify(issued.shown(), "--nonce", "n-2").output
    place = issued.owned.place or 0
    for status, word in ((2, "suspended"), (1, "handed on")):
        issued.world.statuses[place] = status
        issued.refresh()
        seen = issued.verify(issued.shown())
        assert (seen.exit_code, word in seen.output) == (1, True)


def test_nobody_can_say(issued: Issued) -> None:
    """Without a list, with one of another place or too old, or without the key: exit code 3."""
    path = issued.shown()
    assert issued.verify(path, listed=False).exit_code == 3
    old = {
        "sub": certificates._uri(issued.world),
        "iat": 1,
        "exp": 2,
        "ttl": 1,
        "status_list": {"bits": 2, "lst": "eJwDAAAAAAE"},
    }
    other = {**old, "sub": "https://elsewhere.example/list", "exp": int(time.time()) + 60}
    for claims in (old, other):
        header = {"alg": "Ed25519", "typ": sd_jwt.LIST, "kid": issued.world.key.kid}
        signed = jwt.encode(header, claims, issued.world.key, algorithms=["Ed25519"])
        (issued.folder / "list.jwt").write_text(signed)
        assert issued.verify(path).exit_code == 3
    (issued.folder / "jwks.json").write_text('{"keys": []}')
    assert issued.verify(path).exit_code == 3
    assert CliRunner().invoke(ownership, ["verify", str(path)]).exit_code == 2


@pytest.mark.parametrize("text", ["", "~", "a~", "a.b~", "a.b.c~", "e30.e30.e30~", "~~", "é~", "[]"])
def test_what_is_no_certificate(issued: Issued, text: str) -> None:
    """Whatever it is, it is refused and nothing breaks."""
    found = sd_jwt.verify(text, {"keys": "none"}, time.time())
    assert found.reasons in (["malformed"], ["type_unknown"])


@needs_chromium
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
async def test_the_page_verifies_offline(chromium: Browser, issued: Issued, locale: str) -> None:
    """From disk, without a network, by keyboard: it holds, it does not, nobody can say; accessible, light and dark."""
    words = {
        "en-US": ("It holds.", "It does not hold.", "Nobody can say."),
        "zh-CN": ("证书有效。", "证书无效。", "无法判断。"),
    }
    holds, fails, unknown = words[locale]
    context = await chromium.new_context(locale=locale, offline=True)
    page, asked = await context.new_page(), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(PAGE.as_uri())
    files = [
        issued.shown("product_name", nonce="n-1"),
        issued.folder / "jwks.json",
        issued.folder / "list.jwt",
    ]
    await page.set_input_files("#files", files)
    await page.get_by_role("heading", name=holds).wait_for()
    assert "Öl & 港湾" in await page.inner_text("#verdict")
    await accessible(page)
    await page.fill("#nonce", "another")
    await page.focus("#verify")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name=fails).wait_for()
    await page.fill("#nonce", "n-1")
    await page.fill("#list", "")
    await page.focus("#verify")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name=unknown).wait_for()
    issued.world.statuses[issued.owned.place or 0] = 1
    issued.refresh()
    await page.set_input_files("#files", [issued.folder / "list.jwt"])
    await page.get_by_role("heading", name=fails).wait_for()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
