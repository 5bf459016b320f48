"""Purchases move on by themselves, by events and by the worker. What a person was shown last is kept, and a difference
is told."""

from __future__ import annotations

import sqlite3

from reference_channels.trade.intents import Intent

SCHEMA = """
create table if not exists watches (
  intent_id text primary key, chat text not null, state text not null, refunded integer not null
) strict;
"""


def shown(db: sqlite3.Connection, chat: str, intent: Intent) -> None:
    """The person has been shown the purchase as it is in `intent`."""
    row = (intent.id, chat, intent.state, intent.refunded or 0)
    db.execute("insert or replace into watches values (?, ?, ?, ?)", row)


def moved(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """Purchases that are not any more as their person was shown them: chat and intent. That a hold is given back after
    a purchase has failed is nothing to tell."""
    rows = db.execute(
        "select w.chat, i.id from watches w join intents i on i.id = w.intent_id"
        " where (i.state != w.state and not (w.state = 'releasing' and i.state = 'closed'))"
        " or coalesce(i.refunded, 0) != w.refunded limit 50"
    )
    return [(row[0], row[1]) for row in rows.fetchall()]
