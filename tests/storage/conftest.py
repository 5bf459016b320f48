"""Fixtures of the storage's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.storage.world import Shop, open_shop


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    """A store on a fresh database, once on SQLite and once on PostgreSQL."""
    async with open_shop(database_url) as opened:
        yield opened
