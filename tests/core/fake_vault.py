"""The Vault port over a key in memory."""

from __future__ import annotations

import hmac
import secrets

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class MemoryVault:
    """AES-256-GCM and HMAC-SHA256 under fresh keys."""

    current_key_id = "k1"

    def __init__(self) -> None:
        self._aead = AESGCM(secrets.token_bytes(32))
        self._hash_key = secrets.token_bytes(32)

    def seal(self, clear: bytes, context: str) -> bytes:
        """As the port says."""
        nonce = secrets.token_bytes(12)
        return nonce + self._aead.encrypt(nonce, clear, context.encode())

    def open(self, sealed: bytes, key_id: str, context: str) -> bytes:
        """As the port says."""
        assert key_id == self.current_key_id
        return self._aead.decrypt(sealed[:12], sealed[12:], context.encode())

    def fingerprint(self, clear: bytes) -> bytes:
        """As the port says."""
        return hmac.digest(self._hash_key, clear, "sha256")
