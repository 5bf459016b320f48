"""A gateway as a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.databases import postgresql_database
from tests.fixtures.gateway import RunningGateway, subprocess_gateway


@pytest.fixture
def process(database_url: str, tmp_path: Path) -> Iterator[RunningGateway]:
    """A sandbox gateway, once on each database."""
    with subprocess_gateway(database_url, tmp_path) as running:
        yield running


@pytest.fixture
def postgres_url(postgresql_server: str, postgresql_template: str) -> Iterator[str]:
    """A fresh database on PostgreSQL, for what SQLite does not do."""
    with postgresql_database(postgresql_server, postgresql_template) as url:
        yield url
