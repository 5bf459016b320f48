"""SQLAlchemy connections for migrations: the cold path, on either database."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from asyncpg import PostgresError
from sqlalchemy import Connection, NullPool, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.storage.engine.base import Unreachable

# Any number, the same in every process: who migrates holds this advisory lock.
MIGRATION_LOCK = 8_617_470_001
KINDS = "the database is sqlite:///PATH or postgresql://USER@HOST/NAME"


def with_connection(database_url: str, run: Callable[[Connection], None]) -> None:
    """Run something on a connection, in one transaction. Blocks; callers on other processes take turns.

    Raises Unreachable or OSError when there is no database, ValueError for a URL of another kind.
    """
    try:
        if database_url.startswith("sqlite:///"):
            _on_sqlite(database_url, run)
        elif database_url.startswith(("postgresql://", "postgres://")):
            _apart(lambda: asyncio.run(_on_postgresql(database_url, run)))
        else:
            raise ValueError(KINDS)
    except DBAPIError as error:
        raise Unreachable(str(error.orig).splitlines()[0]) from error
    except PostgresError as error:
        raise Unreachable(str(error)) from error


def _on_sqlite(database_url: str, run: Callable[[Connection], None]) -> None:
    engine = create_engine(database_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("PRAGMA busy_timeout=30000"))
        connection.execute(text("PRAGMA journal_mode=WAL"))
        # The driver's own transactions begin too late to be a lock.
        connection.execute(text("BEGIN IMMEDIATE"))
        try:
            run(connection)
        except BaseException:
            connection.execute(text("ROLLBACK"))
            raise
        connection.execute(text("COMMIT"))


async def _on_postgresql(database_url: str, run: Callable[[Connection], None]) -> None:
    url = make_url(database_url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
            await connection.run_sync(run)
    finally:
        await engine.dispose()


def _apart(run: Callable[[], None]) -> None:
    """In a thread of its own, because the caller's may have a running event loop."""
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            run()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=guarded, name="migration")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
