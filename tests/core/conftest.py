"""Worlds: over memory, and over each database through the real combiner."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import pytest
from sqlalchemy import select

from gateway.core.model import Row
from gateway.core.ports import Books
from gateway.storage.combiner import Combiner
from gateway.storage.engine import open_engine
from gateway.storage.engine.base import Engine
from gateway.storage.tables import TABLES
from tests.core.fake_books import Memory
from tests.core.fake_vault import MemoryVault
from tests.core.world import World

R = TypeVar("R", bound=Row)
T = TypeVar("T")


class MemoryStore(Memory):
    """Memory behind the tests' store."""

    async def rows(self, kind: type[R]) -> list[R]:  # type: ignore[override]
        """All rows of a kind."""
        return super().rows(kind)


class DatabaseStore:
    """A database behind the tests' store."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.combiner = Combiner(engine)

    async def run(self, operation: Callable[[Books], T]) -> T:
        """Through the combiner, with whatever else runs now."""
        return await self.combiner.run(operation)

    async def rows(self, kind: type[R]) -> list[R]:
        """All rows of a kind, in key order."""
        table = TABLES[kind]
        return await self.engine.rows(kind, select(table).order_by(*(table.c[name] for name in kind.KEY)))

    async def close(self) -> None:
        """End it."""
        await self.combiner.close()
        await self.engine.close()


@pytest.fixture
def memory_world() -> World:
    """A fresh gateway in memory."""
    return World(MemoryStore(), MemoryVault())


@pytest.fixture
async def real_world(database_url: str) -> AsyncIterator[World]:
    """A fresh gateway over a database; the test runs on SQLite and on PostgreSQL."""
    store = DatabaseStore(open_engine(database_url))
    yield World(store, MemoryVault())
    await store.close()


@pytest.fixture
def world(real_world: World) -> World:
    """What most tests run on: the same as `real_world`."""
    return real_world
