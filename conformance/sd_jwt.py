"""Certificates of ownership, verified with nothing but keys and a status list at hand.

SD-JWT and key binding are RFC 9901, certificates SD-JWT VC (draft-ietf-oauth-sd-jwt-vc), statuses the Token Status
List (draft-ietf-oauth-status-list). Independent of the gateway: the suite judges with it, `vgcp ownership verify` too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import JWSRegistry

Json = dict[str, Any]
TYPE, FORMAT, BINDING, LIST = "urn:vgcp:ownership:1", "dc+sd-jwt", "kb+jwt", "statuslist+jwt"
HASH = "sha-256"
LEEWAY = 60  # seconds by which clocks may differ
BINDING_LIFE = 600  # seconds for which the proof of a holder is taken
LONGEST_LIST = 1 << 24  # bytes that a list may unpack to
STATUS = {0: "valid", 1: "revoked", 2: "suspended"}


class UnreadableError(ValueError):
    """It is not what it was expected to be, or its signature does not hold; the text says which."""


class _Registry(JWSRegistry):
    """Takes `EdDSA` without the warning that RFC 9864 has a newer name for it."""

    def get_alg(self, name: str) -> JWSAlgModel:
        if name not in ("EdDSA", "Ed25519", "ES256"):
            raise UnreadableError("signature_invalid")
        return self.algorithms[name]


registry = _Registry(algorithms=["EdDSA", "Ed25519", "ES256"])


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One claim that the holder shows."""

    text: str
    salt: str
    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Shown:
    """An SD-JWT in its parts, unverified."""

    jwt: str
    header: Json
    payload: Json
    disclosures: tuple[Disclosure, ...]
    key_binding: str

    @property
    def bound(self) -> str:
        """What a key binding is about."""
        return "~".join([self.jwt, *(one.text for one in self.disclosures), ""])


@dataclass
class Found:
    """What is to be said of a certificate: it holds when there are no `reasons` against it and none is `unknown`.

    `status_at`: when the list was made that says so, in seconds since 1970; `status_ttl`: for how many seconds a copy
    of it is used before a new one is fetched.
    """

    reasons: list[str] = field(default_factory=list)
    claims: Json = field(default_factory=dict)
    holder_proven: bool = False
    status: str = "unknown"
    status_at: float | None = None
    status_ttl: float | None = None

    def stale(self, now: float) -> bool:
        """Whether the list says something still, and should have been fetched anew: it is older than its `ttl`."""
        known = self.status_at is not None and self.status_ttl is not None
        return known and now >= (self.status_at or 0) + (self.status_ttl or 0)


def encoded(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """The bytes; raises UnreadableError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableError("malformed") from error


def digest(text: str) -> str:
    """SHA-256 over the text as it stands, in base64url."""
    return encoded(hashlib.sha256(text.encode()).digest())


def parsed(text: str) -> Shown:
    """The parts; raises UnreadableError."""
    parts = text.strip().split("~")
    if len(parts) < 2 or not all(parts[:-1]):
        raise UnreadableError("malformed")
    pieces = parts[0].split(".")
    if len(pieces) != 3:
        raise UnreadableError("malformed")
    header, payload = _object(pieces[0]), _object(pieces[1])
    return Shown(parts[0], header, payload, tuple(_disclosure(one) for one in parts[1:-1]), parts[-1])


def claims_of(shown: Shown) -> Json:
    """The claims, with what is disclosed in its place (RFC 9901 section 7.1); raises UnreadableError."""
    hidden = shown.payload.get("_sd", [])
    if shown.payload.get("_sd_alg", HASH) != HASH or not isinstance(hidden, list):
        raise UnreadableError("disclosure_invalid")
    claims = {name: value for name, value in shown.payload.items() if name not in ("_sd", "_sd_alg")}
    left = list(hidden)
    for one in shown.disclosures:
        if left.count(digest(one.text)) != 1 or one.name in claims or one.name in ("_sd", "..."):
            raise UnreadableError("disclosure_invalid")
        left.remove(digest(one.text))
        claims[one.name] = one.value
    return claims


def signed(text: str, keys: Json, kind: str) -> Json:
    """The claims of a JWS of this type that a key of the set has signed; raises UnreadableError."""
    header = _object(text.partition(".")[0])
    if header.get("typ") != kind:
        raise UnreadableError("type_unknown")
    listed = keys.get("keys")
    named = [one for one in listed or [] if isinstance(one, dict) and one.get("kid") == header.get("kid")]
    if not named:
        raise UnreadableError("key_unknown")
    return _verified(text, named[0])


def verify(
    text: str,
    keys: Json,
    now: float,
    status_list: str | None = None,
    nonce: str | None = None,
    audience: str | None = None,
) -> Found:
    """All that can be found out offline. Without a `status_list` the status stays unknown.

    `now`: seconds since 1970. With `nonce` or `audience` the holder has to have proven her key.
    """
    try:
        shown = parsed(text)
        signed(shown.jwt, keys, FORMAT)
    except UnreadableError as error:
        return Found([str(error)])
    try:
        found = Found(claims=claims_of(shown))
    except UnreadableError as error:
        return Found([str(error)])
    found.reasons += _timely(found.claims, now)
    if shown.key_binding:
        found.holder_proven = _binds(shown, found.claims, now, nonce, audience)
        found.reasons += [] if found.holder_proven else ["holder_proof_invalid"]
    elif nonce is not None or audience is not None:
        found.reasons.append("holder_proof_missing")
    if status_list is not None:
        _look_up(found, keys, status_list, now)
        found.reasons += [] if found.status == "valid" else [found.status]
    return found


def status_at(list_claims: Json, place: int) -> int:
    """The status at a place of a list; raises UnreadableError."""
    listed = _member(list_claims, "status_list")
    bits = int(_number(listed, "bits"))
    if bits not in (1, 2, 4, 8) or place < 0:
        raise UnreadableError("status_unknown")
    raw = unpacked(str(listed.get("lst")))
    if place * bits // 8 >= len(raw):
        raise UnreadableError("status_unknown")
    return raw[place * bits // 8] >> place * bits % 8 & (1 << bits) - 1


def unpacked(lst: str) -> bytes:
    """The bytes of a list; raises UnreadableError."""
    try:
        return zlib.decompressobj().decompress(decoded(lst), LONGEST_LIST)
    except zlib.error as error:
        raise UnreadableError("status_unknown") from error


def _look_up(found: Found, keys: Json, token: str, now: float) -> None:
    """What the list says of the certificate, and when it was made; one of somewhere else, or too old, says nothing."""
    place, found.status = _member(found.claims, "status", "status_list"), "status_unknown"
    try:
        said = signed(token.strip(), keys, LIST)
        if said.get("sub") == place.get("uri") and _number(said, "exp") > now:
            status = status_at(said, int(_number(place, "idx", -1)))
            found.status = STATUS.get(status, "status_unknown")
            found.status_at = _number(said, "iat")
            ttl = _number(said, "ttl")
            found.status_ttl = ttl if ttl > 0 else None  # without one it is used until its end
    except UnreadableError:
        return


def _timely(claims: Json, now: float) -> Iterator[str]:
    if claims.get("vct") != TYPE:
        yield "type_unknown"
    if _number(claims, "exp") <= now:
        yield "expired"
    if _number(claims, "iat") > now + LEEWAY:
        yield "not_yet_valid"


def _binds(shown: Shown, claims: Json, now: float, nonce: str | None, audience: str | None) -> bool:
    """Whether the holder of `cnf` has signed exactly this, for who asks (RFC 9901 section 7.3)."""
    try:
        if _object(shown.key_binding.partition(".")[0]).get("typ") != BINDING:
            return False
        said = _verified(shown.key_binding, _member(claims, "cnf", "jwk"))
    except UnreadableError:
        return False
    return (
        said.get("sd_hash") == digest(shown.bound)
        and -LEEWAY <= now - _number(said, "iat") <= BINDING_LIFE
        and nonce in (None, said.get("nonce"))
        and audience in (None, said.get("aud"))
    )


def _verified(text: str, key: Json) -> Json:
    try:
        known = OKPKey.import_key(key) if key.get("kty") == "OKP" else ECKey.import_key(key)
        payload = json.loads(jws.deserialize_compact(text, known, registry=registry).payload)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise UnreadableError("signature_invalid") from error
    if not isinstance(payload, dict):
        raise UnreadableError("malformed")
    return payload


def _disclosure(text: str) -> Disclosure:
    try:
        salt, name, value = json.loads(decoded(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise UnreadableError("disclosure_invalid") from error
    if not isinstance(salt, str) or not isinstance(name, str):
        raise UnreadableError("disclosure_invalid")
    return Disclosure(text, salt, name, value)


def _object(part: str) -> Json:
    try:
        value = json.loads(decoded(part))
    except (ValueError, RecursionError) as error:
        raise UnreadableError("malformed") from error
    if not isinstance(value, dict):
        raise UnreadableError("malformed")
    return value


def _member(claims: Json, *names: str) -> Json:
    for name in names:
        inner = claims.get(name)
        claims = inner if isinstance(inner, dict) else {}
    return claims


def _number(claims: Json, name: str, default: float = 0.0) -> float:
    """A number that JSON can say exactly; the default for anything else, NaN and infinities too."""
    value = claims.get(name)
    return float(value) if isinstance(value, int | float) and abs(value) < 2**53 else default
