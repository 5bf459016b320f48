"""Which signature algorithms are spoken, and how (RFC 7515, RFC 8037)."""

from __future__ import annotations

from joserfc.jwa import JWSAlgModel
from joserfc.jws import JWSRegistry

OWN = "EdDSA"
FROM_CLIENTS = ["EdDSA", "Ed25519", "ES256", "RS256", "PS256"]


class _Registry(JWSRegistry):
    """Takes `EdDSA` without the warning that RFC 9864 has a newer name for it, which few libraries know yet."""

    def get_alg(self, name: str) -> JWSAlgModel:
        if name == OWN and self.allowed and name in self.allowed:
            return self.algorithms[name]
        return super().get_alg(name)


own_registry = _Registry(algorithms=[OWN])
client_registry = _Registry(algorithms=FROM_CLIENTS)
