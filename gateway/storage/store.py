"""Everything of the storage, opened together: what the wiring and the merchant's commands hold in hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gateway.core.ports import Books
from gateway.storage import audit, rotation
from gateway.storage.combiner import Combiner
from gateway.storage.engine import open_engine
from gateway.storage.erasing import Erasing
from gateway.storage.keys import open_vault
from gateway.storage.mails import Mails
from gateway.storage.outbox import Outbox
from gateway.storage.ownership import OwnershipReads
from gateway.storage.ownership_log import OwnershipLog
from gateway.storage.queries import DatabaseQueries
from gateway.storage.supplies import Supplies
from gateway.storage.vault import AesVault
from gateway.storage.watching import Watching

T = TypeVar("T")


class Store:
    """One database and its vault. `close` it at the end; everything connects when it is first used."""

    def __init__(self, database_url: str, vault: AesVault) -> None:
        self.vault = vault
        self.engine = open_engine(database_url)
        self.combiner = Combiner(self.engine)
        self.queries = DatabaseQueries(self.engine)
        self.outbox = Outbox(self.engine)
        self.watching = Watching(self.engine)
        self.supplies = Supplies(self.engine)
        self.ownership_log = OwnershipLog(self.engine)
        self.ownership = OwnershipReads(self.engine)
        self.mails = Mails(self.engine)
        self.erasing = Erasing(self.engine)

    async def run(self, operation: Callable[[Books], T]) -> T:
        """Run a rule in a transaction; its result once that is durable."""
        return await self.combiner.run(operation)

    async def audit(self) -> list[audit.Discrepancy]:
        """What does not balance."""
        return await audit.audit(self.engine)

    async def totals(self) -> dict[str, int]:
        """Counters summed over all stocks, codes delivered, deliveries opened."""
        return await audit.totals(self.engine)

    async def rotate(self, progress: rotation.Progress | None = None) -> int:
        """Seal everything anew under the current key; how many rows it were."""
        return await rotation.rotate(self.engine, self.vault, progress)

    async def close(self) -> None:
        """End what is under way and give the connections back."""
        await self.combiner.close()
        await self.engine.close()


def open_store(database_url: str, vault_keys: str | None = None, key_file: Path | None = None) -> Store:
    """The store and its vault; see `open_vault` for where the keys come from and what is raised."""
    return Store(database_url, open_vault(database_url, vault_keys, key_file))


__all__ = ["Store", "open_store"]
