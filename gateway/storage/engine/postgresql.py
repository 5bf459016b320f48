"""PostgreSQL through asyncpg: the connections of one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from gateway.core.model import Row
from gateway.storage.engine.codec import codecs, key_getters
from gateway.storage.engine.postgresql_failures import LOST, failures
from gateway.storage.engine.postgresql_statements import Statements
from gateway.storage.engine.postgresql_transaction import PostgresqlTransaction
from gateway.storage.engine.prepared import Prepared, same

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
PATIENCE, SCANNING = 4.0, 90.0  # seconds that a read may take; one over whole tables
KEY_OF = key_getters()
STATEMENTS = 1000  # that a connection keeps prepared


class PostgresqlEngine:
    """An engine on one database; connects at the first use."""

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
                        command_timeout=30,
                        statement_cache_size=STATEMENTS,
                        max_cached_statement_lifetime=0,
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
            yield PostgresqlTransaction(self, link)
            if link.is_in_transaction():
                with failures():
                    await link.execute("ROLLBACK")
        finally:
            await asyncio.shield(_release(pool, link))

    async def read(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        return await self._read(statement, parameters, PATIENCE)

    async def scan(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        return await self._read(statement, parameters, SCANNING)

    async def _read(
        self, statement: Executable, parameters: Mapping[str, Any] | None, patience: float
    ) -> list[Any]:
        return await self._fetch(*self.prepared.bind(statement, parameters, same), patience)

    async def _fetch(self, sql: str, values: Sequence[Any], patience: float) -> list[Any]:
        """Read, and leave a connection behind that does not answer in time."""
        with failures():
            pool = (self._pools or await self._open())[1]
            async with asyncio.timeout(patience):
                link = await pool.acquire()
            try:
                return list(await link.fetch(sql, *values, timeout=patience))
            except (TimeoutError, asyncio.CancelledError):
                link.terminate()
                raise
            finally:
                await _release(pool, link)

    async def rows(
        self, kind: type[Row], statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> list[Any]:
        load = self.codecs[kind].load
        return [load(record) for record in await self.read(statement, parameters)]

    async def by_ids(self, kind: type[Row], ids: Sequence[str]) -> list[Any]:
        load = self.codecs[kind].load
        return [load(record) for record in await self._fetch(self.statements.by_ids(kind), [ids], PATIENCE)]

    async def close(self) -> None:
        for pool in self._pools or ():
            try:
                await asyncio.wait_for(pool.close(), 5)
            except TimeoutError:
                pool.terminate()
        self._pools = None


async def _reset(link: Any) -> None:
    """Roll back what a failure has left open; sessions have no other state."""
    if link.is_in_transaction():
        await link.execute("ROLLBACK")


async def _release(pool: asyncpg.Pool, link: Any) -> None:
    try:
        await pool.release(link)
    except (*LOST, asyncpg.InterfaceError):
        with suppress(asyncpg.InterfaceError):  # the pool may have let go of it already
            link.terminate()
