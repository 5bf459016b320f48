"""Which buyer of the gateway's a reference is, as rows. No calls; see buyers.py."""

from __future__ import annotations

import sqlite3

from reference_channels.kit.errors import Json, timestamp

SCHEMA = """
create table if not exists buyers (reference text primary key, id text not null unique) strict;
"""
# What of a purchase names its buyer. What was sold, when and for how much stays in the books.
NAMING = "buyer = 'erased', buyer_input = '{}', region = null, locale = null, recipient_key = null"


def find(db: sqlite3.Connection, reference: str) -> str | None:
    """The buyer's id at the gateway, when it is known."""
    row = db.execute("select id from buyers where reference = ?", (reference,)).fetchone()
    return None if row is None else str(row[0])


def keep(db: sqlite3.Connection, reference: str, buyer_id: str) -> None:
    """Note the id that the gateway gave."""
    db.execute("insert or replace into buyers values (?, ?)", (reference, buyer_id))


def forget(db: sqlite3.Connection, erasure: Json) -> None:
    """Drop what is kept of a buyer who was erased (an Erasure document): who she is, and what names her in purchases of
    before that are finished. One that is under way goes on to its end (BUY-015)."""
    row = db.execute("select reference from buyers where id = ?", (erasure["buyer_id"],)).fetchone()
    if row is None:
        return
    db.execute(
        f"update intents set {NAMING}"  # noqa: S608 - a constant
        " where buyer = ? and created_at <= ? and state in ('fulfilled', 'closed')",
        (row[0], timestamp(erasure["erased_at"])),
    )
    db.execute("delete from buyers where id = ?", (erasure["buyer_id"],))
