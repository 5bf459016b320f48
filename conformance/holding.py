"""The holder's side of a certificate of ownership: what she shows of it, and the proof that its key is hers (RFC 9901).

Nothing is verified here: she has the certificate from her shop. `sd_jwt.py` is for who it is shown to.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from conformance import jose, sd_jwt
from conformance.sd_jwt import Json, Shown

Key = ECKey | OKPKey
# What the standard binds to (OWN-018): kind, curve, and the algorithm that signs with it.
KINDS: dict[str, tuple[type[ECKey] | type[OKPKey], str, str]] = {
    "EC": (ECKey, "P-256", "ES256"),
    "OKP": (OKPKey, "Ed25519", "EdDSA"),
}
ALL = "all"


class RefusedError(ValueError):
    """It cannot be shown like this; the text says why."""


def new_key() -> ECKey:
    """A new P-256 key, the kind that every library and browser knows."""
    return ECKey.generate_key("P-256")


def public(key: Key) -> Json:
    """What others may know of a key (RFC 7517)."""
    return _members(key.as_dict(private=False), "kty", "crv", "x", "y")


def read_key(path: Path) -> Key:
    """The private key in a JWK file; raises jose.UnreadableError."""
    key = _key(jose.parsed(path))
    if key is None or not key.is_private:
        raise jose.UnreadableError(f"{path.name} has no private P-256 or Ed25519 key in it")
    return key


def _key(data: Json) -> Key | None:
    kind, curve, _ = KINDS.get(str(data.get("kty")), (ECKey, "", ""))
    if data.get("crv") != curve:
        return None
    try:
        key = kind.import_key(_members(data, "kty", "crv", "x", "y", "d"))
        key.as_der()  # the library makes the numbers here, and refuses those that are no key
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return key


def _members(data: Json, *wanted: str) -> Json:
    return {name: data[name] for name in wanted if name in data}


def certificate(text: str) -> Shown:
    """A certificate with what can be shown of it; raises RefusedError."""
    try:
        shown = sd_jwt.parsed(text)
        sd_jwt.claims_of(shown)
    except sd_jwt.UnreadableError as error:
        raise RefusedError("it is no certificate, or not a whole one; get it from the shop again") from error
    if shown.header.get("typ") != sd_jwt.FORMAT or shown.payload.get("vct") != sd_jwt.TYPE:
        raise RefusedError("it is a statement of another kind, and no certificate of ownership")
    return replace(shown, key_binding="")


def bound(shown: Shown) -> bool:
    """Whether it names a key of its holder's."""
    return "cnf" in shown.payload


def names(shown: Shown) -> list[str]:
    """The claims that it shows and that can be kept back."""
    return sorted(one.name for one in shown.disclosures)


def showing(shown: Shown, wanted: Collection[str]) -> Shown:
    """Of what can be kept back, these claims only; `all` stands for each."""
    kept = tuple(one for one in shown.disclosures if one.name in wanted or ALL in wanted)
    return replace(shown, disclosures=kept)


def proven(shown: Shown, key: Key, nonce: str, audience: str, now: float) -> Shown:
    """With a key binding JWT over exactly what is shown (RFC 9901 section 4.3). `now`: seconds since 1970.

    Raises RefusedError unless it is bound to this key.
    """
    cnf = shown.payload.get("cnf")
    named = _key(cnf["jwk"]) if isinstance(cnf, dict) and isinstance(cnf.get("jwk"), dict) else None
    if named is None:
        raise RefusedError("it is bound to no key; get one from the shop that is bound to yours")
    if named.thumbprint() != key.thumbprint():
        raise RefusedError("it is bound to another key than this one")
    header = {"alg": KINDS[key.key_type][2], "typ": sd_jwt.BINDING}
    said = {"iat": int(now), "aud": audience, "nonce": nonce, "sd_hash": sd_jwt.digest(shown.bound)}
    signed = jws.serialize_compact(header, json.dumps(said).encode(), key, registry=sd_jwt.registry)
    return replace(shown, key_binding=signed)


def written(shown: Shown) -> str:
    """As it is handed over."""
    return shown.bound + shown.key_binding
