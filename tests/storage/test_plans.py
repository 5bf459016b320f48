"""The hot statements find their rows by an index, however large the tables have grown."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gateway.core.model import Channel, Row
from gateway.storage.engine.sqlite import SqliteEngine
from gateway.storage.flight import FOUND_BY
from gateway.storage.migrate import upgrade
from gateway.storage.tables import TABLES

LOOKUPS = [(kind, tuple(kind.KEY)) for kind in TABLES] + [
    (kind, (column,))
    for kind, column in FOUND_BY.items()
    if kind is not Channel  # all channels are wanted
]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file."""
    path = tmp_path_factory.mktemp("plans") / "books.db"
    upgrade(f"sqlite:///{path}")
    return path


def scans(path: Path, sql: str, table: str) -> bool:
    """Whether SQLite would read the whole table."""
    with sqlite3.connect(path) as link:
        plan = [row[-1] for row in link.execute(f"EXPLAIN QUERY PLAN {sql}", ["x"] * sql.count("?"))]
    return any(step.startswith(f"SCAN {table}") for step in plan)


@pytest.mark.parametrize("size", [1, 2, 64])
@pytest.mark.parametrize(("kind", "columns"), LOOKUPS)
def test_lookups_use_an_index(database: Path, kind: type[Row], columns: tuple[str, ...], size: int) -> None:
    """A lookup of one or of many keys reads no table from end to end in SQLite."""
    engine = SqliteEngine(f"sqlite:///{database}")
    sql = engine.statements._lookup(kind, columns, size)
    assert not scans(database, sql, engine.codecs[kind].table.name)


@pytest.mark.parametrize("kind", list(TABLES))
def test_updates_use_an_index(database: Path, kind: type[Row]) -> None:
    """A bulk update reads no table from end to end in SQLite."""
    engine = SqliteEngine(f"sqlite:///{database}")
    assert not scans(database, engine.statements.update(kind, 4), engine.codecs[kind].table.name)


def test_a_scan_would_be_seen(database: Path) -> None:
    """The test itself tells a scan from a search."""
    assert scans(database, "SELECT * FROM hold_counts WHERE quantity = ?", "hold_counts")
