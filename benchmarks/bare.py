"""The yardstick: the rows that one order needs, written by hand to SQLite, one transaction each.

As durable as the gateway (WAL, synchronous=FULL), and the same rows per order: the stock's counter, the unit,
order, delivery, movement, three events and the idempotency record. No HTTP, no validation, no auth, no rules.
"""

import sqlite3
import time
from pathlib import Path
from uuid import uuid4

TABLES = """
CREATE TABLE stock (id TEXT PRIMARY KEY, available INTEGER CHECK (available >= 0), sold INTEGER);
CREATE TABLE unit (id TEXT PRIMARY KEY, seq INTEGER, state TEXT, sealed BLOB, order_id TEXT);
CREATE INDEX unit_available ON unit (seq) WHERE state = 'available';
CREATE TABLE orders (id TEXT PRIMARY KEY, body TEXT);
CREATE TABLE delivery (id TEXT PRIMARY KEY, order_id TEXT, unit_id TEXT);
CREATE TABLE movement (id TEXT PRIMARY KEY, stock_id TEXT, quantity INTEGER);
CREATE TABLE event (id TEXT PRIMARY KEY, body TEXT);
CREATE TABLE idempotency (key TEXT PRIMARY KEY, answer TEXT);
"""
BODY = "x" * 600


def prepare(path: Path, units: int) -> sqlite3.Connection:
    """A fresh database with one stock of `units` codes."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.executescript(TABLES)
    connection.execute("BEGIN")
    connection.execute("INSERT INTO stock VALUES ('s', ?, 0)", (units,))
    rows = ((uuid4().hex, seq, "available", b"c" * 64) for seq in range(units))
    connection.executemany("INSERT INTO unit VALUES (?, ?, ?, ?, NULL)", rows)
    connection.execute("COMMIT")
    return connection


def sell(connection: sqlite3.Connection) -> None:
    """One order, durable when this returns."""
    run = connection.execute
    order = uuid4().hex
    run("BEGIN IMMEDIATE")
    run("UPDATE stock SET available = available - 1, sold = sold + 1 WHERE id = 's'")
    (unit,) = run("SELECT id FROM unit WHERE state = 'available' ORDER BY seq LIMIT 1").fetchone()
    run("UPDATE unit SET state = 'sold', order_id = ? WHERE id = ?", (order, unit))
    run("INSERT INTO orders VALUES (?, ?)", (order, BODY))
    run("INSERT INTO delivery VALUES (?, ?, ?)", (uuid4().hex, order, unit))
    run("INSERT INTO movement VALUES (?, 's', 1)", (uuid4().hex,))
    run(
        "INSERT INTO event VALUES (?, ?), (?, ?), (?, ?)",
        [uuid4().hex, BODY, uuid4().hex, BODY, uuid4().hex, BODY],
    )
    run("INSERT INTO idempotency VALUES (?, ?)", (uuid4().hex, BODY))
    run("COMMIT")


def measure(path: Path, seconds: float) -> float:
    """Orders per second of the loop."""
    connection = prepare(path, units=int(seconds * 10_000))
    sold = 0
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        sell(connection)
        sold += 1
    elapsed = time.perf_counter() - started
    connection.close()
    return sold / elapsed
