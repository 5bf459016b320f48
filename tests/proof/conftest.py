"""Servers that a test may kill."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.torture.places import Postgres, own_postgresql


@pytest.fixture
def own_server() -> Iterator[Postgres]:
    """A PostgreSQL that only this test has."""
    with own_postgresql() as server:
        yield server
