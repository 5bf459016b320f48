"""Where tests keep their books: in memory, or in a database through the real combiner."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import select

from gateway.core.model import Row
from gateway.core.ports import Books
from gateway.storage.combiner import Combiner
from gateway.storage.engine.base import Engine
from gateway.storage.tables import TABLES
from tests.core.fake_books import Memory

R = TypeVar("R", bound=Row)
T = TypeVar("T")


class MemoryStore(Memory):
    """Memory behind the tests' store."""

    async def rows(self, kind: type[R]) -> list[R]:
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
