"""The hot statements find their rows by an index, however large the tables have grown."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.dialects.sqlite import dialect

from gateway.core.model import Channel, Row
from gateway.storage import (
    consent,
    erasing,
    identity,
    outbox,
    ownership,
    ownership_log,
    personal_events,
    supplies,
    watching,
)
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


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        (ownership_log.ANY_WAITING, "log_entries"),
        (ownership_log.WAITING, "log_entries"),
        (ownership_log.ENTRIES, "log_entries"),
        (ownership_log.BY_HASH, "log_entries"),
        (erasing.OLD["fulfilment"], "orders"),
        (erasing.OLD["fraud_prevention"], "reservations"),
        (erasing.FORGET_RECORDS, "consent_records"),
        (erasing.FORGET_RECORDS, "consents"),
        *zip(erasing.COUNT_OLD.values(), ("orders", "reservations", "consent_records"), strict=True),
        (watching.MOVED_STOCKS, "stocks"),
        (watching.MOVED_STOCKS, "movements"),
        (watching.MOVED_STOCKS, "stock_watches"),
        (watching.MOVED_WATCHES, "stock_watches"),
        (watching.PAGE, "stocks"),
        (watching.WATCHES, "stock_watches"),
        (watching.RATE, "movements"),
        (supplies.SUPPLIERS_DUE, "supplies"),
        (supplies.CLAIM, "supplies"),
        (supplies.CLAIM_LATE, "supplies"),
        (supplies.LISTED, "supplies"),
        (supplies.NEWEST, "supplies"),
        (watching.ANY_DUE, "alerts"),
        (watching.CLAIM, "alerts"),
        (watching.RECORD, "alerts"),
        (outbox.CHANNELS_DUE, "events"),
        (outbox.CLAIM, "events"),
        (outbox.RECORD, "events"),
        (outbox.DUE_HOLDS, "reservations"),
        (outbox.DUE_ORDERS, "orders"),
        (outbox.OLD_IDEMPOTENCY, "idempotency"),
        (outbox.OLD_ASSERTIONS, "assertions"),
        (identity.COUNTS, "sale_counts"),
        (identity.COUNTED_OFFERS, "sale_counts"),
        (identity.COUNTED_OFFERS, "offers"),
        (identity.FOUND, "link_codes"),
        (identity.FOUND, "links"),
        (consent.LIMITED_OFFERS, "sale_counts"),
        (consent.LIMITED_OFFERS, "offers"),
    ],
)
def test_the_loops_use_indexes(database: Path, statement: Any, table: str) -> None:
    """What the loops read every few seconds is never a whole table, however many were sold."""
    engine = SqliteEngine(f"sqlite:///{database}")
    names = (
        "stock_id",
        "after",
        "limit",
        "now",
        "lease_until",
        "alert_id",
        "state_now",
        "attempts_now",
        "again_at",
        "start",
        "leaf_hash",
        "last",
        "channel_id",
        "event_id",
        "supplier",
        "before",
        "subject",
        "id",
        "first",
    )
    given = dict.fromkeys((*names, "error"), "x")
    sql, _ = engine.prepared.bind(statement, given, lambda value: value)
    with sqlite3.connect(database) as link:
        plan = [row[-1] for row in link.execute(f"EXPLAIN QUERY PLAN {sql}", ["x"] * sql.count("?"))]
    assert not [step for step in plan if step.startswith(f"SCAN {table}") and "USING" not in step], plan
    assert [step for step in plan if table in step], plan


@pytest.mark.parametrize(
    "statement", [*erasing.DISOWN, *erasing.GONE, erasing.ORDERS, erasing.HOLDS, personal_events.ABOUT]
)
def test_erasures_use_indexes(database: Path, statement: Any) -> None:
    """One buyer is found among however many: no table is read from end to end while everybody else waits."""
    sql = str(statement.compile(dialect=dialect()))
    assert not scans(database, sql, "")


def test_what_a_buyer_owns_is_found_by_her(database: Path) -> None:
    """Her page is not looked for among what everybody owns, newest first."""
    sql = str(ownership.OWNED_OR_GIVEN.compile(dialect=dialect()))
    with sqlite3.connect(database) as link:
        plan = [
            row[-1] for row in link.execute(f"EXPLAIN QUERY PLAN {sql}", ["x"] * (sql.count("?") - 1) + [1])
        ]
    assert any("entitlements_account" in step for step in plan), plan
    assert not [step for step in plan if "(id<?)" in step], plan


def test_a_scan_would_be_seen(database: Path) -> None:
    """The test itself tells a scan from a search."""
    assert scans(database, "SELECT * FROM hold_counts WHERE quantity = ?", "hold_counts")
