"""SQLite: one connection writes, WAL, durable at every commit.

Statements on a page that is in memory take microseconds, less than handing them to a thread, so they run where they
are asked for. What waits (the disk at a commit, another process's lock, a scan) runs in a thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Boolean, DateTime, Executable, bindparam, make_url, select
from sqlalchemy.dialects.sqlite import dialect

from gateway.core.model import Reservation, Row, Unit
from gateway.storage.engine.base import (
    Changes,
    Conflict,
    Key,
    Loaded,
    Refused,
    Unreachable,
    Versions,
    Wanted,
)
from gateway.storage.engine.codec import codecs
from gateway.storage.engine.feeds import placed, unplaced
from gateway.storage.engine.prepared import Prepared
from gateway.storage.engine.sqlite_statements import NUMBER, Statements
from gateway.storage.tables import FEEDS, TABLES

T = TypeVar("T")
BY_ID = {
    kind: select(table).where(table.c.id == bindparam("id"))
    for kind, table in TABLES.items()
    if "id" in table.c
}
BUSY = 15.0  # seconds that another process may keep the write lock
CONFLICTS = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}


def encode_time(value: datetime) -> str:
    """A time as text of a fixed width, so that texts sort as times do."""
    return value.isoformat(timespec="microseconds")


class SqliteEngine:
    """An engine on one file. The writing transaction belongs to one task at a time."""

    def __init__(self, database_url: str) -> None:
        self.path = make_url(database_url).database or ":memory:"
        self.codecs = codecs({DateTime: encode_time}, {DateTime: datetime.fromisoformat, Boolean: bool})
        self.statements = Statements(self.codecs)
        self.prepared = Prepared(dialect())
        self._lock = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._scans = ThreadPoolExecutor(1, thread_name_prefix="sqlite-scan")
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqliteTransaction]:
        async with self._lock:
            link = await self._begin()
            try:
                yield SqliteTransaction(self, link)
            except BaseException as error:
                await self._abandon(link, error)
                raise
            if link.in_transaction:
                link.execute("ROLLBACK")

    async def _begin(self) -> sqlite3.Connection:
        """Take the write lock before reading anything; wait for another process in the thread."""
        link, self._writer = self._writer, None  # one that fails here is not used again
        try:
            if link is None:
                link = self._open(BUSY)
                link.execute("PRAGMA busy_timeout=0")
            try:
                link.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                await self._wait_for_lock(link)
        except sqlite3.Error as error:
            raise Unreachable(str(error)) from error
        self._writer = link
        return link

    async def _wait_for_lock(self, link: sqlite3.Connection) -> None:
        link.execute(f"PRAGMA busy_timeout={int(BUSY * 1000)}")
        await self.in_thread(lambda: link.execute("BEGIN IMMEDIATE"))
        link.execute("PRAGMA busy_timeout=0")

    async def _abandon(self, link: sqlite3.Connection, error: BaseException) -> None:
        """Roll back; after trouble with the file, begin next time with a new connection."""
        try:
            if link.in_transaction:
                link.execute("ROLLBACK")
        except sqlite3.Error:
            error = Unreachable()
        if isinstance(error, Unreachable):
            self._writer = None
            link.close()

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Do what may wait for the disk or another process."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work))

    def _open(self, busy: float) -> sqlite3.Connection:
        link = sqlite3.connect(
            self.path, timeout=busy, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        link.execute("PRAGMA journal_mode=WAL")
        link.execute("PRAGMA synchronous=FULL")
        link.execute("PRAGMA cache_size=-65536")
        # What is deleted is overwritten, so that a code which has left the vault has left the file (DLV-032).
        link.execute("PRAGMA secure_delete=ON")
        # Copy the log back into the file less often: each time, a commit waits for it.
        link.execute("PRAGMA wal_autocheckpoint=4000")
        return link

    def _query(self, statement: Executable, parameters: Mapping[str, Any] | None) -> list[Any]:
        """On a connection that only reads; it sees what has been committed."""
        with failures():
            if self._reader is None:
                self._reader = self._open(BUSY)
                self._reader.execute("PRAGMA query_only=ON")
            sql, values = self.prepared.bind(statement, parameters, encode_value)
            return self._reader.execute(sql, values).fetchall()

    async def read(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        return self._query(statement, parameters)

    async def scan(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        sql, values = self.prepared.bind(statement, parameters, encode_value)

        def run() -> list[Any]:
            with failures():
                link = self._open(BUSY)
                try:
                    return link.execute(sql, values).fetchall()
                finally:
                    link.close()

        return await asyncio.get_running_loop().run_in_executor(self._scans, run)

    async def rows(
        self, kind: type[Row], statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> list[Any]:
        return [self.codecs[kind].load(values) for values in self._query(statement, parameters)]

    async def by_ids(self, kind: type[Row], ids: Sequence[str]) -> list[Any]:
        statement = BY_ID[kind]
        return [row for row_id in ids for row in await self.rows(kind, statement, {"id": row_id})]

    async def close(self) -> None:
        async with self._lock:
            # first the threads: one whose caller was cancelled still uses its connection, and would crash without
            self._thread.shutdown()
            self._scans.shutdown()
            for link in (self._writer, self._reader):
                if link is not None:
                    link.close()
            self._writer = self._reader = None


class SqliteTransaction:
    """Holds the file's write lock from the start, so nothing that it has read can change."""

    def __init__(self, engine: SqliteEngine, link: sqlite3.Connection) -> None:
        self._engine = engine
        self._link = link

    @property
    def stamp(self) -> object:
        """What other connections have written changes the one number, what this one has the other."""
        version = self._link.execute("PRAGMA data_version").fetchone()[0]
        return self._link, version, self._link.total_changes

    async def load(self, wanted: Wanted) -> Loaded:
        run, statements, known = self._link.execute, self._engine.statements, self._engine.codecs
        loaded = Loaded()
        with failures():
            for lookup in wanted.lookups:
                load = known[lookup.kind].load
                pieces = statements.lookups(lookup)
                loaded.lookups.append([load(row) for sql, values in pieces for row in run(sql, values)])
            for units in wanted.units:
                found = run(statements.units, (units.stock_id, units.after, units.count))
                loaded.units.append([Unit(*row) for row in found])
            load = known[Reservation].load
            for due in wanted.due:
                found = run(statements.due, (due.stock_id, encode_time(due.now), due.count))
                loaded.due.append([load(row) for row in found])  # type: ignore[misc]
        return loaded

    async def confirm(
        self, written: Mapping[type[Row], Set[Key]], assumed: Mapping[type[Row], Versions]
    ) -> bool:
        return True

    def version(self, kind: type[Row], key: Key) -> int:
        return 0

    async def fetch(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        sql, values = self._engine.prepared.bind(statement, parameters, encode_value)
        with failures():
            return self._link.execute(sql, values).fetchall()

    async def run(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> None:
        await self.fetch(statement, parameters)

    async def fetch_rows(
        self, kind: type[Row], statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> list[Any]:
        load = self._engine.codecs[kind].load
        return [load(values) for values in await self.fetch(statement, parameters)]

    async def write(self, changes: Sequence[Changes]) -> None:
        run, statements, known = self._link.execute, self._engine.statements, self._engine.codecs
        base = 0
        with failures():
            if count := unplaced([change for change in changes if change.kind in FEEDS]):
                base = run(NUMBER, (count,)).fetchone()[0] - count
            for change in changes:
                codec = known[change.kind]
                for rows, verb, make in (
                    (change.inserts, "insert", statements.insert),
                    (change.updates, "update", statements.update),
                    (change.upserts, "upsert", statements.upsert),
                ):
                    names, dump = codec.shape(verb)
                    dumped = list(map(dump, rows))
                    if change.kind in FEEDS:
                        base = placed(rows, dumped, names.index("position"), base)
                    for sql, values in statements.pieces(change.kind, make, dumped):
                        run(sql, values)

    async def commit(self) -> None:
        """Waits for the disk in the thread; meanwhile the process goes on."""

        def run() -> None:
            with failures():
                self._link.execute("COMMIT")

        await self._engine.in_thread(run)


def encode_value(value: Any) -> Any:
    """A parameter of a query, as SQLite keeps it."""
    return encode_time(value) if isinstance(value, datetime) else value


@contextmanager
def failures() -> Iterator[None]:
    """Turn the driver's errors into DatabaseFailure."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise (Conflict if error.sqlite_errorcode in CONFLICTS else Refused)(str(error)) from error
    except (sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.DataError) as error:
        raise Refused(str(error)) from error
    except sqlite3.Error as error:
        raise Unreachable(str(error)) from error
    except (OverflowError, UnicodeEncodeError) as error:
        raise Refused(str(error)) from error
