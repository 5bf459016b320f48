"""SD-JWT (RFC 9901): claims of which the holder shows those that she wants to. Signatures: http/certificates.py.

Flat objects are all that certificates need: every disclosure is of a member at the top. An SD-JWT is the signed JWT,
the disclosures, and at the end nothing or a key binding JWT, with `~` between them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.core.wire import base64url

Json = dict[str, Any]
SALT_BYTES = 16  # 128 bits (RFC 9901 section 9.3)
HASH = "sha-256"


class Malformed(Exception):
    """It is no SD-JWT, or no valid one."""


@dataclass(frozen=True, slots=True)
class Presented:
    """The parts of an SD-JWT as they were shown. `bound` is what the key binding JWT is about (section 4.3.1)."""

    jwt: str
    disclosures: tuple[str, ...]
    key_binding: str | None

    @property
    def bound(self) -> str:
        """The SD-JWT without its key binding."""
        return "~".join([self.jwt, *self.disclosures, ""])


def disclose(claims: Json, digests: int) -> tuple[Json, list[str]]:
    """`_sd` and `_sd_alg` for these claims, and a disclosure of each; with decoys there are so many digests.

    In order of the digests, which tells nothing of the order of the claims.
    """
    made = [disclosure(name, value) for name, value in claims.items()]
    hidden = [digest(one) for one in made]
    hidden += [digest(base64url(secrets.token_bytes(32))) for _ in range(digests - len(hidden))]
    return {"_sd": sorted(hidden), "_sd_alg": HASH}, made


def disclosure(name: str, value: Any) -> str:
    """Salt, name and value (RFC 9901 section 4.2.1), under a new salt."""
    salt = base64url(secrets.token_bytes(SALT_BYTES))
    return base64url(json.dumps([salt, name, value], ensure_ascii=False).encode())


def digest(text: str) -> str:
    """SHA-256 over the text as it stands, in base64url."""
    return base64url(hashlib.sha256(text.encode("ascii")).digest())


def join(jwt: str, disclosures: Sequence[str]) -> str:
    """The SD-JWT."""
    return "~".join([jwt, *disclosures, ""])


def split(text: str) -> Presented:
    """Its parts. Raises Malformed."""
    parts = text.strip().split("~")
    if len(parts) < 2 or not text.isascii() or not all(parts[:-1]):
        raise Malformed("There are no parts between tildes.")
    return Presented(parts[0], tuple(parts[1:-1]), parts[-1] or None)


def reveal(payload: Json, disclosures: Sequence[str]) -> Json:
    """The claims with what is disclosed in its place (RFC 9901 section 7.1). Raises Malformed."""
    if payload.get("_sd_alg", HASH) != HASH:
        raise Malformed("Its hash is another one.")
    hidden = payload.get("_sd", [])
    if not isinstance(hidden, list) or len({*hidden}) != len(hidden):
        raise Malformed("A digest stands twice.")
    claims = {name: value for name, value in payload.items() if name not in ("_sd", "_sd_alg")}
    left = {*hidden}
    for one in disclosures:
        # what the issuer has not hashed is not read: anybody may have written it
        if digest(one) not in left:
            raise Malformed("A disclosure is not of this certificate.")
        name, value = _read(one)
        if name in claims or name in ("_sd", "..."):
            raise Malformed("A disclosure does not fit this certificate.")
        left.remove(digest(one))
        claims[name] = value
    return claims


def _read(text: str) -> tuple[str, Any]:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        found = json.loads(raw)
    except (binascii.Error, ValueError) as error:
        raise Malformed("A disclosure does not decode.") from error
    if not isinstance(found, list) or len(found) != 3 or not isinstance(found[1], str):
        raise Malformed("A disclosure is not a salt, a name and a value.")
    return found[1], found[2]
