"""Encryption at rest: AES-256-GCM under a ring of keys, and a keyed hash that finds equal values.

A ring is "kid:base64key,kid2:…", the first key current. Keys are 32 bytes. The hash must stay the same when keys
rotate, so it has a key of its own, derived by HKDF (RFC 5869) from the ring's last key: the oldest stays last, and is
kept in the ring for the hash after nothing is sealed under it any more.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE = 12  # bytes, random: 2^32 seals under one key stay far from a collision (NIST SP 800-38D section 8.3)
KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class VaultError(ValueError):
    """A key is missing, or what was sealed has been changed. The message holds no secret."""


class AesVault:
    """The `Vault` port."""

    def __init__(self, ring: str) -> None:
        keys = parse_ring(ring)
        self._current = next(iter(keys))
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        oldest = list(keys.values())[-1]
        self._hash_key = HKDF(SHA256(), 32, salt=None, info=b"vgcp code fingerprint").derive(oldest)

    @property
    def current_key_id(self) -> str:
        """The key id new secrets are sealed under."""
        return self._current

    def seal(self, clear: bytes, context: str) -> bytes:
        """Nonce, ciphertext and tag; `context` is authenticated."""
        nonce = os.urandom(NONCE)
        return nonce + self._ciphers[self._current].encrypt(nonce, clear, context.encode())

    def open(self, sealed: bytes, key_id: str, context: str) -> bytes:
        """Decrypt. Raises VaultError if the key is unknown or anything was changed."""
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise VaultError(f"there is no vault key {key_id!r}; add it to the ring")
        try:
            return cipher.decrypt(sealed[:NONCE], sealed[NONCE:], context.encode())
        except (InvalidTag, ValueError) as error:
            raise VaultError(f"what was sealed for {context.split(':')[0]!r} does not open") from error

    def fingerprint(self, clear: bytes) -> bytes:
        """HMAC-SHA256 under the hash key: 32 bytes."""
        return hmac.digest(self._hash_key, clear, "sha256")


def parse_ring(ring: str) -> dict[str, bytes]:
    """Keys by id, in the ring's order. Raises VaultError, which names the place and never the key."""
    keys: dict[str, bytes] = {}
    for place, entry in enumerate(ring.replace("\n", ",").split(","), 1):
        if not entry.strip():
            continue
        key_id, _, encoded = entry.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        if not KEY_ID.fullmatch(key_id) or len(key) != 32 or key_id in keys:
            raise VaultError(f"vault key {place} is not a new id, a colon, and the base64 of 32 bytes")
        keys[key_id] = key
    if not keys:
        raise VaultError("the ring of vault keys is empty")
    return keys
