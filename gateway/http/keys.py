"""The gateway's Ed25519 keys: they sign access tokens and events. Sealed in the database, replaced with an overlap."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import KeySet, OKPKey

from gateway.core.model import SigningKey
from gateway.core.ports import Books, Vault
from gateway.core.signing_keys import create_signing_key, renew_signing_key, signing_now

LOOK_SECONDS = 2.0  # between two looks for keys that somebody else may have made


class Writer(Protocol):
    """Runs a rule in a transaction."""

    async def run(self, operation: Callable[[Books], Any]) -> Any: ...


class KeySource(Protocol):
    """Reads the keys."""

    async def signing_keys(self) -> Sequence[SigningKey]: ...


class KeyRing:
    """The published keys, and the one that signs. `load` before use and now and then: a rotation may be another's."""

    def __init__(self, source: KeySource, writer: Writer, vault: Vault) -> None:
        self._source = source
        self._writer = writer
        self._vault = vault
        self._rows: list[SigningKey] = []
        self._looking, self._looked = asyncio.Lock(), -LOOK_SECONDS
        self.signing: OKPKey
        self.kid = ""
        self.verifying = KeySet([])
        self.public: dict[str, list[dict[str, Any]]] = {"keys": []}

    def current(self) -> tuple[str, Ed25519PrivateKey]:
        """The key that signs now, and its id as published."""
        key = self.signing.private_key
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError("the signing key is not Ed25519")
        return self.kid, key

    async def load(self, now: datetime) -> None:
        """Read the keys; make the first one if there is none."""
        rows = [row for row in await self._source.signing_keys() if not _gone(row, now)]
        if not any(row.retired_at is None for row in rows):
            rows.append(await self._writer.run(lambda books: create_signing_key(books, self._vault, now)))
        self._take(sorted(rows, key=lambda row: (row.created_at, row.id)), now)

    async def look_again(self, now: datetime) -> None:
        """Read the keys, unless that was done a moment ago: a process that has just begun may have made one."""
        async with self._looking:
            if time.monotonic() - self._looked >= LOOK_SECONDS:
                await self.load(now)
                self._looked = time.monotonic()

    async def rotate(self, now: datetime) -> str:
        """A new signing key with an overlap; its id."""
        known = list(self._rows)
        row = await self._writer.run(lambda books: renew_signing_key(books, self._vault, now, known))
        await self.load(now)
        return str(row.id)

    def _take(self, rows: list[SigningKey], now: datetime) -> None:
        self._rows = rows
        chosen = signing_now(rows, now)
        if chosen.id != self.kid:
            secret = self._vault.open(chosen.sealed, chosen.key_id, chosen.id)
            self.signing = OKPKey.import_key(orjson.loads(secret))
            self.kid = chosen.id
        self.public = {"keys": [row.public_jwk for row in rows]}
        self.verifying = KeySet([OKPKey.import_key(row.public_jwk) for row in rows])


def _gone(row: SigningKey, now: datetime) -> bool:
    return row.retired_at is not None and row.retired_at <= now
