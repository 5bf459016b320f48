"""Verifies the JWTs of a gateway (access tokens, leases) with the keys that it publishes."""

from __future__ import annotations

from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

Json = dict[str, Any]
SIGNED = ["Ed25519", "ES256", "ES384", "ES512", "RS256", "RS384", "PS256", "PS384"]


class _Registry(JWSRegistry):
    """Takes EdDSA, which RFC 9864 renamed, without a warning."""

    def get_alg(self, name: str) -> Any:
        return self.algorithms["Ed25519" if name == "EdDSA" else name] if name in (*SIGNED, "EdDSA") else None


def verified(token: str, keys: Any) -> Json:
    """`header` and `claims` of a JWT that one of the keys (a JWK set) verifies; else `error` with the reason's name."""
    try:
        found = jwt.decode(token, _published(keys), registry=_Registry(algorithms=[*SIGNED, "EdDSA"]))
    except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
        return {"error": type(error).__name__}
    return {"header": dict(found.header), "claims": dict(found.claims)}


def _published(keys: Any) -> KeySet:
    """The key set without `alg`, so that EdDSA and Ed25519 (RFC 9864) keys are taken alike. Raises as joserfc does."""
    listed = keys.get("keys")
    shown = [k for k in listed if isinstance(k, dict)] if isinstance(listed, list) else []
    bare = [{n: v for n, v in k.items() if n not in ("alg", "use", "key_ops")} for k in shown]
    return KeySet.import_key_set({"keys": bare})
