"""Each event takes effect once, and never backwards (EVT-012 to EVT-014).

The functions work on an SQLite connection inside the caller's transaction: what was seen is stored
together with its effect, so a crash can neither lose an event nor apply it twice.
"""

from __future__ import annotations

import sqlite3
from enum import Enum

from reference_channels.kit.errors import Json

SCHEMA = """
create table if not exists inbox_events (id text primary key, seen_at real not null) strict;
create table if not exists inbox_subjects (subject text primary key, revision integer not null) strict;
"""


class Verdict(Enum):
    """What is to be done with an event. Whatever it is, the answer is 2xx."""

    FRESH = "fresh"
    DUPLICATE = "duplicate"
    STALE = "stale"


def take(db: sqlite3.Connection, event: Json, now: float) -> Verdict:
    """Note the event (a verified Event document) and say whether it is to take effect; `now` in seconds
    since 1970."""
    new = db.execute("insert or ignore into inbox_events values (?, ?)", (event["id"], now)).rowcount
    if not new:
        return Verdict.DUPLICATE
    seen = db.execute("select revision from inbox_subjects where subject = ?", (event["subject"],)).fetchone()
    if seen is not None and event["revision"] < seen[0]:
        return Verdict.STALE
    db.execute("insert or replace into inbox_subjects values (?, ?)", (event["subject"], event["revision"]))
    return Verdict.FRESH


def forget_before(db: sqlite3.Connection, when: float) -> None:
    """Drop ids seen before `when`. Gateways retry for days, so keep them for weeks; revisions are kept for
    ever."""
    db.execute("delete from inbox_events where seen_at < ?", (when,))
