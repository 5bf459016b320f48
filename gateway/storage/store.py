"""Everything of the storage, opened together: what the wiring and the merchant's commands hold in hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import delete, text

from gateway.core.model import SigningKey
from gateway.core.ports import Books
from gateway.storage import audit, rotation, vault
from gateway.storage.combiner import Combiner
from gateway.storage.engine import database_folder, open_engine
from gateway.storage.outbox import Outbox
from gateway.storage.queries import DatabaseQueries
from gateway.storage.tables import TABLES

T = TypeVar("T")
KEY_FILE = "vgcp-vault.keys"
ALIVE = text("SELECT 1")
FORGET = [delete(table) for kind, table in TABLES.items() if kind is not SigningKey]


class Store:
    """One database and its vault. `close` it at the end; everything connects when it is first used."""

    def __init__(self, database_url: str, ring: str, key_file: Path | None = None) -> None:
        self.database_url = database_url
        self.key_file = key_file
        self.vault = vault.AesVault(ring)
        self.engine = open_engine(database_url)
        self.combiner = Combiner(self.engine)
        self.queries = DatabaseQueries(self.engine)
        self.outbox = Outbox(self.engine)

    async def run(self, operation: Callable[[Books], T]) -> T:
        """Run a rule in a transaction; its result once that is durable."""
        return await self.combiner.run(operation)

    async def ready(self) -> bool:
        """Whether the database answers."""
        return bool(await self.engine.read(ALIVE))

    async def reset(self) -> None:
        """Forget all trade, offers and channels. Signing keys stay, and feeds go on counting, so no cursor is wrong."""
        async with self.engine.transaction() as transaction:
            for statement in FORGET:
                await transaction.run(statement)
            await transaction.commit()
        self.combiner.forget()

    async def audit(self) -> list[audit.Discrepancy]:
        """What does not balance."""
        return await audit.audit(self.engine)

    async def totals(self) -> dict[str, int]:
        """Counters summed over all stocks, codes delivered, deliveries opened."""
        return await audit.totals(self.engine)

    def add_key(self) -> str:
        """Put a fresh key first in the key file, and seal with it from now on; its id.

        Raises VaultError when the keys do not come from a file.
        """
        if self.key_file is None:
            raise vault.VaultError("the vault's keys come from a setting: put the new key first in it")
        key_id = vault.add_key(self.key_file)
        self.vault = vault.AesVault(vault.read_or_make(self.key_file))
        return key_id

    async def rotate(self, progress: rotation.Progress | None = None) -> int:
        """Seal everything anew under the current key; how many rows it were."""
        return await rotation.rotate(self.engine, self.vault, progress)

    async def close(self) -> None:
        """End what is under way and give the connections back."""
        await self.combiner.close()
        await self.engine.close()


def open_store(database_url: str, vault_keys: str | None = None, key_file: Path | None = None) -> Store:
    """The store with the keys of a setting, of a file, or of the file `vgcp-vault.keys` beside a SQLite database.

    A missing file is made, with mode 0600. Raises VaultError for bad keys or when a server's database comes without
    any, ValueError for a URL of another kind of database.
    """
    if vault_keys:
        return Store(database_url, vault_keys)
    if key_file is None:
        folder = database_folder(database_url)
        if folder is None:
            raise vault.VaultError(
                "a PostgreSQL gateway needs its vault keys: set VGCP_VAULT_KEYS or give --key-file FILE"
            )
        key_file = folder / KEY_FILE
    return Store(database_url, vault.read_or_make(key_file), key_file)


__all__ = ["Store", "open_store"]
