"""Fixtures that all tests share."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures import databases

if TYPE_CHECKING:
    from playwright.async_api import Browser

# Hundreds of processes load the same code: what one has compiled is kept for the others, also in a container that is
# told to keep nothing. It is half of what it takes to collect the tests, and a fifth of starting a command.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Six thousand tests and what they import stay for the whole run: a seventh of it went into looking whether they may go.
gc.set_threshold(20_000, 20, 100)

# These have a process of their own: see chain/conftest.py.
collect_ignore = [] if os.environ.get("VGCP_CHAIN") else ["chain"]
BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


def pytest_collection_finish() -> None:
    """What is collected now need not be looked at again."""
    gc.freeze()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a running PostgreSQL: VGCP_TEST_DATABASE, or the wheel's server, started once for all workers."""
    with databases.postgresql_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> Iterator[str]:
    """A migrated database on that server, to copy from."""
    with databases.postgresql_template(postgresql_server) as name:
        yield name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to copy from."""
    return databases.sqlite_template(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, migrated database; the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield databases.sqlite_database(tmp_path, request.getfixturevalue("sqlite_template"))
        return
    server = request.getfixturevalue("postgresql_server")
    with databases.postgresql_database(server, request.getfixturevalue("postgresql_template")) as url:
        yield url


@pytest.fixture(params=BOTH)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The same without a schema."""
    if request.param == "sqlite":
        yield databases.sqlite_database(tmp_path, None)
        return
    with databases.postgresql_database(request.getfixturevalue("postgresql_server"), None) as url:
        yield url


@pytest.fixture(scope="session")
def chromium_address() -> Iterator[str]:
    """Where a running Chromium is driven, one for all tests of a worker."""
    from tests.fixtures.browser import running_chromium

    with running_chromium() as address:
        yield address


@pytest.fixture
async def chromium(chromium_address: str) -> AsyncIterator[Browser]:
    """A line to it. What is opened by it is closed with it."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        yield await playwright.chromium.connect_over_cdp(chromium_address)
