"""The wiring of the merchant's commands: what they work on, loaded when a command needs it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.relay.eraser import Eraser
    from gateway.storage.store import Store


class Backend:
    """`gateway.admin.ports.Backend` over the storage."""

    def open(self, database: str, vault_keys: str | None, key_file: Path | None) -> Store:
        """The books and their vault. Raises ValueError, VaultError."""
        from gateway.storage.store import open_store

        return open_store(database, vault_keys, key_file)

    def is_current(self, database: str) -> bool:
        """Whether the schema is this version's."""
        from gateway.storage.migrate import is_current

        return is_current(database)

    def migrate(self, database: str) -> None:
        """Bring the schema up to date."""
        from gateway.storage.migrate import upgrade

        upgrade(database)

    def eraser(self, store: Store, days: Mapping[str, int]) -> Eraser:
        """Who forgets buyers, and what has been kept for as many days."""
        from gateway.relay.eraser import Eraser

        return Eraser(store.erasing, store, days)

    def add_key(self, database: str, key_file: Path | None) -> str:
        """Put a fresh key first in the key file; its id."""
        from gateway.storage.keys import add_key, default_file

        return add_key(key_file or default_file(database))
