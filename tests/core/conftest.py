"""A world over memory."""

from __future__ import annotations

import pytest

from gateway.core.model import Row
from tests.core.fake_books import Memory
from tests.core.fake_vault import MemoryVault
from tests.core.world import World


class MemoryStore(Memory):
    """Memory behind the tests' store."""

    async def rows(self, kind: type[Row]) -> list[Row]:  # type: ignore[override]
        """All rows of a kind."""
        return super().rows(kind)


@pytest.fixture
def world() -> World:
    """A fresh gateway."""
    return World(MemoryStore(), MemoryVault())
