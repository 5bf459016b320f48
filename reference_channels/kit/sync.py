"""Catching up by the feeds: from a durable cursor to the end, each page and its cursor in one transaction
(CAT-009, EVT-016)."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable

from reference_channels.kit.errors import Json, Problem

SCHEMA = "create table if not exists cursors (feed text primary key, cursor text not null) strict;"

Pull = Callable[[str | None], Awaitable[Json]]
Apply = Callable[[sqlite3.Connection, list[Json]], None]
Transact = Callable[[Callable[[sqlite3.Connection], str | None]], Awaitable[str | None]]


def load_cursor(db: sqlite3.Connection, feed: str) -> str | None:
    """Where the feed was read to, or None at the beginning."""
    row = db.execute("select cursor from cursors where feed = ?", (feed,)).fetchone()
    return None if row is None else str(row[0])


def save_cursor(db: sqlite3.Connection, feed: str, cursor: str | None) -> None:
    """Remember where the feed was read to; None forgets it."""
    if cursor is None:
        db.execute("delete from cursors where feed = ?", (feed,))
    else:
        db.execute("insert or replace into cursors values (?, ?)", (feed, cursor))


async def catch_up(feed: str, pull: Pull, apply: Apply, transact: Transact) -> int:
    """Read the feed from its cursor to its end and apply every page. Answers the number of items.

    `pull` takes a cursor and answers a page; `transact` runs a function in one transaction. A cursor that
    the gateway does not know any more makes it read from the beginning; `apply` must not mind seeing an
    item again.

    Raises GatewayError; what was applied by then stays, with its cursor.
    """
    cursor = await transact(lambda db: load_cursor(db, feed))
    count = 0
    while True:
        page = await _page(feed, pull, cursor, transact)
        items, following = page["items"], page.get("next_cursor")
        await transact(_applied(feed, apply, items, following))
        count += len(items)
        if not page.get("has_more") or not following or following == cursor:
            return count
        cursor = following


async def _page(feed: str, pull: Pull, cursor: str | None, transact: Transact) -> Json:
    """The page after the cursor, or the first one when the cursor is refused."""
    try:
        return await pull(cursor)
    except Problem as problem:
        if problem.code != "cursor_invalid" or cursor is None:
            raise
    await transact(lambda db: save_cursor(db, feed, None))
    return await pull(None)


def _applied(
    feed: str, apply: Apply, items: list[Json], following: str | None
) -> Callable[[sqlite3.Connection], str | None]:
    def work(db: sqlite3.Connection) -> str | None:
        apply(db, items)
        if following:
            save_cursor(db, feed, following)
        return following

    return work
