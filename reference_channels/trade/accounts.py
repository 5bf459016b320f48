"""Which buyer of the gateway's a reference is, and what she allows this channel, as rows. No calls; see buyers.py."""

from __future__ import annotations

import sqlite3

from reference_channels.kit.errors import Json, timestamp

SCHEMA = """
create table if not exists buyers (reference text primary key, id text not null unique) strict;
create table if not exists consents (
  buyer_id text not null, purpose text not null, revision integer not null, allowed integer not null, until real,
  primary key (buyer_id, purpose)
) strict;
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


def note(db: sqlite3.Connection, consent: Json) -> None:
    """Keep what counts for a purpose (a Consent document of an answer or an event), unless something newer is known."""
    until = consent.get("expires_at")
    allowed = consent["decision"] == "given" and consent.get("covered", True)
    db.execute(
        "insert into consents values (?1, ?2, ?3, ?4, ?5) on conflict do update"
        " set revision = ?3, allowed = ?4, until = ?5 where revision <= ?3",
        (
            consent["buyer_id"], consent["purpose"], consent["revision"], int(allowed),
            timestamp(until) if until else None,
        ),
    )  # fmt: skip


def note_all(db: sqlite3.Connection, consents: list[Json]) -> None:
    """Keep what counts for each purpose."""
    for consent in consents:
        note(db, consent)


def allows(db: sqlite3.Connection, reference: str, purpose: str, now: float) -> bool:
    """Whether her data may be used here for a purpose that takes her consent. Ask each time (BUY-012)."""
    row = db.execute(
        "select 1 from consents join buyers on buyers.id = buyer_id"
        " where reference = ? and purpose = ? and allowed = 1 and (until is null or until > ?)",
        (reference, purpose, now),
    ).fetchone()
    return row is not None


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
    db.execute("delete from consents where buyer_id = ?", (erasure["buyer_id"],))
