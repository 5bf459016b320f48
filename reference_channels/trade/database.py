"""The channel's own SQLite file: one thread, one connection, one transaction per piece of work."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from reference_channels.kit import inbox, sync
from reference_channels.trade import accounts, intents, shelf

T = TypeVar("T")

SCHEMA = """
create table if not exists settings (name text primary key, value text not null) strict;
"""


class Database:
    """Runs functions over the connection, each in a transaction that is durable before `run` answers."""

    def __init__(self, path: Path, schema: str = "") -> None:
        self._path = path
        self._schema = schema
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="trade-db")
        self._db: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Make the file and its tables where they are missing."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connect)

    def _connect(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")
        for schema in (
            SCHEMA,
            shelf.SCHEMA,
            intents.SCHEMA,
            accounts.SCHEMA,
            inbox.SCHEMA,
            sync.SCHEMA,
            self._schema,
        ):
            db.executescript(schema)
        intents.bring_up_to_date(db)
        self._db = db

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in one transaction: all of it happens, or nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._db is None:
            raise RuntimeError("the database is not open")
        self._db.execute("begin immediate")
        try:
            result = work(self._db)
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")
        return result

    async def close(self) -> None:
        """Close the file; what `run` answered is on disk."""
        if self._db is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._db.close)
        self._thread.shutdown()


def forget_all(db: sqlite3.Connection) -> None:
    """Drop all trade: offers, purchases, what was seen, cursors, and what the channel keeps beside; no settings."""
    kept = (
        "select name from sqlite_master where type = 'table' and name not in ('settings', 'sqlite_sequence')"
    )
    for row in db.execute(kept).fetchall():
        db.execute(f'delete from "{row[0]}"')  # noqa: S608 - the names are the database's own


def setting(db: sqlite3.Connection, name: str, fresh: str) -> str:
    """A setting of this channel that is made once and kept."""
    db.execute("insert or ignore into settings values (?, ?)", (name, fresh))
    return str(db.execute("select value from settings where name = ?", (name,)).fetchone()[0])


def trade_with(db: sqlite3.Connection, gateway: str) -> None:
    """Note with whom the channel trades; cursors, revisions and offers of another gateway mean nothing here."""
    if setting(db, "gateway", gateway) != gateway:
        for table in ("offers", "buyers", "consents", "inbox_events", "inbox_subjects", "cursors"):
            db.execute(f"delete from {table}")  # noqa: S608 - the names are constants
        db.execute("update settings set value = ? where name = 'gateway'", (gateway,))
