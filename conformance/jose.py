"""The keys that sign certificates, and their signatures: compact JWS (RFC 7515) by Ed25519 (RFC 8037).

Each signature carries the public key that made it, and names it by its thumbprint (RFC 7638), so that a statement can
be read with nothing else at hand. Whether that key is to be trusted is for the reader to say.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import JWSRegistry

ALGORITHM = "EdDSA"
LONGEST = 1 << 16  # characters of a statement
Json = dict[str, Any]


class UnreadableError(ValueError):
    """Not a statement, or not a key, of the kind that was expected."""


class ForgedError(ValueError):
    """A statement that its key did not sign."""


class _Registry(JWSRegistry):
    """Takes `EdDSA` without the warning that RFC 9864 has a newer name for it, which few libraries know yet."""

    def get_alg(self, name: str) -> JWSAlgModel:
        if name != ALGORITHM:
            raise UnreadableError(f"signed by {name}, expected {ALGORITHM}")
        return self.algorithms[name]


_registry = _Registry(algorithms=[ALGORITHM])


@dataclass(frozen=True, slots=True)
class Signed:
    """What a key has stated. `signer` is the thumbprint of the key."""

    claims: Json
    signer: str


def new_key() -> OKPKey:
    """A new Ed25519 key, named by its thumbprint."""
    return _named(OKPKey.generate_key("Ed25519").as_dict(private=True))


def write_private(key: OKPKey | ECKey, path: Path) -> None:
    """Write a private key for its owner's eyes only (0600); raises FileExistsError rather than replace one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "w", encoding="utf-8") as file:
        json.dump(key.as_dict(private=True), file, indent=2)
        file.write("\n")


def read_private(path: Path) -> OKPKey:
    """The private key in a JWK file; raises UnreadableError."""
    key = _named(parsed(path))
    if not key.is_private:
        raise UnreadableError(f"{path.name} has no private key in it")
    return key


def public(key: OKPKey) -> Json:
    """The public key as a JWK with its name and use."""
    return {**key.as_dict(private=False), "use": "sig", "alg": ALGORITHM}


def read_trusted(path: Path) -> frozenset[str]:
    """The thumbprints of the keys in a JWKS (or of the one key in a JWK); raises UnreadableError."""
    data = parsed(path)
    listed = data.get("keys", [data])
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise UnreadableError(f"{path.name} is no key set")
    return frozenset(_named(one).thumbprint() for one in listed)


def parsed(path: Path) -> Json:
    """The JSON object in a file; raises UnreadableError."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UnreadableError(f"{path.name} cannot be read as a key") from error
    if not isinstance(data, dict):
        raise UnreadableError(f"{path.name} has no key in it")
    return data


def sign(claims: Json, kind: str, key: OKPKey, **header: str) -> str:
    """The claims as a compact JWS of this type (`typ`)."""
    shown = {"alg": ALGORITHM, "typ": kind, "kid": key.thumbprint(), "jwk": key.as_dict(private=False)}
    payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
    return jws.serialize_compact(header | shown, payload, key, registry=_registry)


def kind_of(text: str) -> str:
    """The type that a statement says it has, unverified; "" when it is no statement."""
    try:
        return str(jws.extract_compact(text.strip().encode()).headers().get("typ", ""))
    except (JoseError, ValueError, RecursionError):
        return ""


def opened(text: str, kind: str) -> Signed:
    """The statement, once its own key has verified it. Raises UnreadableError or ForgedError."""
    compact = text.strip().encode()
    if len(compact) > LONGEST:
        raise UnreadableError("too long for a statement")
    try:
        header = jws.extract_compact(compact).headers()
        if header.get("typ") != kind or not isinstance(header.get("jwk"), dict):
            raise UnreadableError(f"no {kind} with its key")
        key = _named(header["jwk"])
        found = jws.deserialize_compact(compact, key, registry=_registry)
        claims = json.loads(found.payload)
    except JoseError as error:
        if error.error == "bad_signature":
            raise ForgedError("its key did not sign this") from error
        raise UnreadableError(f"no {kind}: {error}") from error
    except UnreadableError:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        raise UnreadableError(f"no {kind}: {error}") from error
    if not isinstance(claims, dict) or claims.get("iss") != key.thumbprint():
        raise ForgedError("its issuer is not its key")
    return Signed(claims, key.thumbprint())


def _named(data: Json) -> OKPKey:
    """The key with its thumbprint for a name; raises UnreadableError unless it is an Ed25519 key."""
    try:
        if data.get("crv") != "Ed25519":
            raise UnreadableError("not an Ed25519 key")
        kept: Json = {name: data[name] for name in ("kty", "crv", "x", "d") if name in data}
        return OKPKey.import_key({**kept, "kid": OKPKey.import_key(kept).thumbprint()})
    except (JoseError, KeyError, TypeError) as error:
        raise UnreadableError("not an Ed25519 key") from error
