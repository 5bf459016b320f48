"""One-time links from the chat to the bot's own pages. Only their hashes are kept, so that no copy of the database
opens anything."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from dataclasses import dataclass

SCHEMA = """
create table if not exists passes (
  hash text primary key, purpose text not null, intent_id text not null, chat text not null, expires_at real not null
) strict;
create table if not exists seals (intent_id text primary key, recipient_key text not null) strict;
"""
LIFE = 900.0


@dataclass(frozen=True, slots=True)
class Pass:
    """What a link is good for: `seal` (make a key before the buyer pays) or `open` (the sealed goods)."""

    purpose: str
    intent_id: str
    chat: str


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def issue(db: sqlite3.Connection, given: Pass, now: float) -> str:
    """A new token, good once within a quarter of an hour."""
    token = secrets.token_urlsafe(24)
    db.execute("delete from passes where expires_at < ?", (now,))
    row = (_hash(token), given.purpose, given.intent_id, given.chat, now + LIFE)
    db.execute("insert into passes values (?, ?, ?, ?, ?)", row)
    return token


def look(db: sqlite3.Connection, token: str, now: float) -> Pass | None:
    """What the token is good for now. Looking does not use it up: messengers look at links by themselves."""
    row = db.execute(
        "select purpose, intent_id, chat from passes where hash = ? and expires_at > ?", (_hash(token), now)
    ).fetchone()
    return None if row is None else Pass(*row)


def use(db: sqlite3.Connection, token: str, now: float) -> Pass | None:
    """What the token was good for; it is spent now."""
    given = look(db, token, now)
    db.execute("delete from passes where hash = ?", (_hash(token),))
    return given


def seal(db: sqlite3.Connection, intent_id: str, recipient_key: str | None) -> None:
    """Keep the public key (JSON) that a purchase is to be sealed to; None forgets it."""
    db.execute("delete from seals where intent_id = ?", (intent_id,))
    if recipient_key is not None:
        db.execute("insert into seals values (?, ?)", (intent_id, recipient_key))


def seal_of(db: sqlite3.Connection, intent_id: str) -> str | None:
    """The public key that the buyer's browser has made for the purchase."""
    row = db.execute("select recipient_key from seals where intent_id = ?", (intent_id,)).fetchone()
    return None if row is None else str(row[0])
