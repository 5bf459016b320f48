"""PostgreSQL through asyncpg.

A flight reads without locks first, so it holds none while it finds out what it needs. `confirm` then locks all of it in
one order that is the same for every flight, and says what has changed since: no two flights wait for each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from gateway.core.model import Reservation, Row, Unit
from gateway.storage.engine.base import (
    Changes,
    Conflict,
    Key,
    Loaded,
    Lookup,
    Refused,
    Unreachable,
    Wanted,
)
from gateway.storage.engine.codec import codecs, key_getters
from gateway.storage.engine.postgresql_statements import Statements, arrays
from gateway.storage.engine.prepared import Prepared
from gateway.storage.tables import LOCKED, TABLES

# Every hot statement looks rows up by a key: its plan must not depend on what is known of a table that was empty a
# minute ago. A flight that waits for a lock longer than this has met a stopped one.
WRITING = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
    "application_name": "vgcp-writer",
}
READING = {"jit": "off", "statement_timeout": "60s", "application_name": "vgcp-reader"}
CONFLICTS = (
    asyncpg.UniqueViolationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
)
LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
    asyncio.IncompleteReadError,
)
KEYS = key_getters()


class PostgresqlEngine:
    """An engine on one database; connects at the first use."""

    near = False

    def __init__(self, database_url: str, writers: int = 4, readers: int = 8) -> None:
        self.codecs = codecs({}, {})
        self.statements = Statements(self.codecs)
        self.prepared = Prepared(dialect())  # type: ignore[no-untyped-call]
        self._url = database_url
        self._sizes = (writers, readers)
        self._pools: tuple[asyncpg.Pool, asyncpg.Pool] | None = None
        self._opening = asyncio.Lock()

    async def _open(self) -> tuple[asyncpg.Pool, asyncpg.Pool]:
        async with self._opening:
            if self._pools is None:
                made = []
                for size, settings in zip(self._sizes, (WRITING, READING), strict=True):
                    pool = asyncpg.create_pool(
                        self._url,
                        min_size=1,
                        max_size=size,
                        server_settings=settings,
                        timeout=10,
                        command_timeout=120,
                        reset=_reset,
                    )
                    made.append(await pool)
                self._pools = (made[0], made[1])
        return self._pools

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresqlTransaction]:
        with failures():
            pool = (self._pools or await self._open())[0]
            link = await pool.acquire()
        try:
            with failures():
                await link.execute("BEGIN")
            yield PostgresqlTransaction(self, link)
            if link.is_in_transaction():
                with failures():
                    await link.execute("ROLLBACK")
        finally:
            await asyncio.shield(_release(pool, link))

    async def read(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        sql, values = self.prepared.bind(statement, parameters, _same)
        with failures():
            pool = (self._pools or await self._open())[1]
            return await pool.fetch(sql, *values)

    async def scan(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        return await self.read(statement, parameters)

    async def rows(
        self, kind: type[Row], statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> list[Any]:
        load = self.codecs[kind].load
        return [load(record) for record in await self.read(statement, parameters)]

    async def close(self) -> None:
        for pool in self._pools or ():
            try:
                await asyncio.wait_for(pool.close(), 5)
            except TimeoutError:
                pool.terminate()
        self._pools = None


class PostgresqlTransaction:
    """Read committed; remembers the version of each row it has read."""

    def __init__(self, engine: PostgresqlEngine, link: Any) -> None:
        self._engine = engine
        self._link = link
        self._versions: dict[type[Row], dict[Key, int]] = {kind: {} for kind in TABLES}
        self._locked: dict[type[Row], set[Key]] = {kind: set() for kind in TABLES}

    async def load(self, wanted: Wanted) -> Loaded:
        loaded = Loaded()
        with failures():
            for lookup in wanted.lookups:
                loaded.lookups.append(await self._lookup(lookup))
            if wanted.units:
                loaded.units.extend(await self._units(wanted))
            if wanted.due:
                loaded.due.extend(await self._due(wanted))
        return loaded

    async def _lookup(self, lookup: Lookup) -> list[Row]:
        sql = self._engine.statements.lookup(lookup.kind, lookup.columns)
        records = await self._link.fetch(sql, *arrays(lookup.values, len(lookup.columns)))
        return self._remember(lookup.kind, records)

    def _remember(self, kind: type[Row], records: Sequence[Any]) -> list[Row]:
        """Values of records whose last column is the version."""
        load = self._engine.codecs[kind].load
        rows = [load(tuple(record)[:-1]) for record in records]
        versions, key_of = self._versions[kind], KEYS[kind]
        for row, record in zip(rows, records, strict=True):
            versions.setdefault(key_of(row), record[-1])
        return rows

    async def _units(self, wanted: Wanted) -> list[list[Unit]]:
        sought = [(want.stock_id, want.after, want.count) for want in wanted.units]
        statements = self._engine.statements
        sql = statements.units_in_turn if wanted.patient else statements.units
        records = await self._link.fetch(sql, *arrays(sought, 3))
        found: dict[str, list[Unit]] = {}
        for record in records:
            unit = Unit(*record)
            self._locked[Unit].add((unit.id,))
            found.setdefault(unit.stock_id, []).append(unit)
        return [sorted(found.get(want.stock_id, []), key=_seq) for want in wanted.units]

    async def _due(self, wanted: Wanted) -> list[list[Reservation]]:
        sought = [(want.stock_id, want.now, want.count) for want in wanted.due]
        records = await self._link.fetch(self._engine.statements.due, *arrays(sought, 3))
        found: dict[str, list[Any]] = {}
        for row in self._remember(Reservation, records):
            found.setdefault(row.stock_id, []).append(row)  # type: ignore[attr-defined]
        return [found.get(want.stock_id, []) for want in wanted.due]

    async def confirm(self, written: Mapping[type[Row], Set[Key]]) -> bool:
        unchanged = True
        with failures():
            for kind, versions in self._versions.items():
                wanted = versions.keys() if kind in LOCKED else versions.keys() & written.get(kind, set())
                keys = sorted(wanted - self._locked[kind])
                if keys and not await self._lock(kind, keys, versions):
                    unchanged = False
        return unchanged

    async def _lock(self, kind: type[Row], keys: Sequence[Key], versions: dict[Key, int]) -> bool:
        """Lock these; forget the versions of those that are not what they were."""
        records = await self._link.fetch(self._engine.statements.lock(kind), *arrays(keys, len(kind.KEY)))
        now = {tuple(record)[:-1]: record[-1] for record in records}
        self._locked[kind].update(now)
        stale = [key for key in keys if now.get(key) != versions[key]]
        for key in stale:
            del versions[key]
        return not stale

    async def fetch(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        sql, values = self._engine.prepared.bind(statement, parameters, _same)
        with failures():
            return list(await self._link.fetch(sql, *values))

    async def run(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> None:
        await self.fetch(statement, parameters)

    async def fetch_rows(
        self, kind: type[Row], statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> list[Any]:
        load = self._engine.codecs[kind].load
        return [load(values) for values in await self.fetch(statement, parameters)]

    async def write(self, changes: Sequence[Changes]) -> None:
        statements, known = self._engine.statements, self._engine.codecs
        with failures():
            for change in changes:
                codec = known[change.kind]
                for rows, verb in (
                    (change.inserts, statements.insert),
                    (change.updates, statements.update),
                    (change.upserts, statements.upsert),
                ):
                    if rows:
                        given = arrays([codec.dump(row) for row in rows], len(codec.names))
                        await self._link.execute(verb(change.kind), *given)

    async def commit(self) -> None:
        with failures():
            await self._link.execute("COMMIT")


async def _reset(link: Any) -> None:
    """Roll back what a failure has left open; sessions have no other state."""
    if link.is_in_transaction():
        await link.execute("ROLLBACK")


async def _release(pool: asyncpg.Pool, link: Any) -> None:
    try:
        await pool.release(link)
    except LOST:
        link.terminate()


def _same(value: Any) -> Any:
    return value


def _seq(unit: Unit) -> int:
    return unit.seq


@contextmanager
def failures() -> Iterator[None]:
    """Turn the driver's errors into DatabaseFailure."""
    try:
        yield
    except CONFLICTS as error:
        raise Conflict(_said(error)) from error
    except LOST as error:
        raise Unreachable(_said(error)) from error
    except asyncpg.InterfaceError as error:
        # A value that does not fit is the caller's; all else says that the connection is not usable.
        raise (Refused if isinstance(error, ValueError) else Unreachable)(_said(error)) from error
    except asyncpg.PostgresError as error:
        raise Refused(_said(error)) from error


def _said(error: BaseException) -> str:
    """What the driver said, without the row's values that a server adds in its details."""
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
