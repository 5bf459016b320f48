"""Worlds: over memory, and over each database through the real combiner."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.storage.engine import open_engine
from gateway.storage.keys import new_entry
from gateway.storage.vault import AesVault
from tests.core.stores import DatabaseStore, MemoryStore
from tests.core.world import World


@pytest.fixture
def memory_world() -> World:
    """A fresh gateway in memory."""
    return World(MemoryStore(), AesVault(new_entry()))


@pytest.fixture
async def real_world(database_url: str) -> AsyncIterator[World]:
    """A fresh gateway over a database; the test runs on SQLite and on PostgreSQL."""
    store = DatabaseStore(open_engine(database_url))
    yield World(store, AesVault(new_entry()))
    await store.close()


@pytest.fixture
def world(real_world: World) -> World:
    """What most tests run on: the same as `real_world`."""
    return real_world
