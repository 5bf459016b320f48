"""What was heard and what is to be said, as rows: an update counts once, and what the bot has decided to say is said,
also after a crash. Goods are never among it.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass

from reference_channels.chatbot.messenger import Heard, Message

SCHEMA = """
create table if not exists updates (
  number integer primary key autoincrement, id text not null unique, chat text not null, body text,
  seen_at real not null
) strict;
create index if not exists updates_open on updates (chat, number) where body is not null;
create table if not exists outbox (
  number integer primary key autoincrement, chat text not null, message_id text not null, body text not null,
  tries integer not null default 0, next_try real not null default 0
) strict;
create index if not exists outbox_chat on outbox (chat, number);
"""


@dataclass(frozen=True, slots=True)
class Said:
    """To be said in `chat`, in place of the message `message_id` where there is one."""

    chat: str
    message: Message
    message_id: str = ""
    number: int = 0
    tries: int = 0


def take(db: sqlite3.Connection, heard: Heard, now: float) -> bool:
    """Keep an update until it is dealt with; False when it was heard before."""
    row = (heard.id, heard.chat, json.dumps(asdict(heard)), now)
    return bool(
        db.execute(
            "insert or ignore into updates (id, chat, body, seen_at) values (?, ?, ?, ?)", row
        ).rowcount
    )


def waiting(db: sqlite3.Connection) -> list[str]:
    """The chats in which something is not dealt with yet."""
    return [row[0] for row in db.execute("select distinct chat from updates where body is not null")]


def next_of(db: sqlite3.Connection, chat: str) -> Heard | None:
    """The first update of the chat that is not dealt with."""
    row = db.execute(
        "select body from updates where chat = ? and body is not null order by number limit 1", (chat,)
    ).fetchone()
    return None if row is None else Heard(**json.loads(row[0]))


def settle(db: sqlite3.Connection, heard: Heard) -> None:
    """It is dealt with: its id is kept, and what the person wrote is not."""
    db.execute("update updates set body = null where id = ?", (heard.id,))


def forget_before(db: sqlite3.Connection, when: float) -> None:
    """Drop the ids of what was dealt with before `when`; messengers deliver again for a day."""
    db.execute("delete from updates where body is null and seen_at < ?", (when,))


def put(db: sqlite3.Connection, said: Said) -> None:
    """Have it said, after all that was put before it for the same chat."""
    body = json.dumps(said.message.to_json())
    db.execute(
        "insert into outbox (chat, message_id, body) values (?, ?, ?)", (said.chat, said.message_id, body)
    )


def due(db: sqlite3.Connection, now: float) -> list[Said]:
    """What is first in each chat and may be said now, so that nothing overtakes."""
    rows = db.execute(
        "select chat, body, message_id, number, tries from outbox"
        " where number in (select min(number) from outbox group by chat) and next_try <= ? order by number limit 50",
        (now,),
    )
    return [Said(row[0], Message.from_json(json.loads(row[1])), *row[2:]) for row in rows.fetchall()]


def done(db: sqlite3.Connection, said: Said) -> None:
    """It was said, or never can be."""
    db.execute("delete from outbox where number = ?", (said.number,))


def later(db: sqlite3.Connection, said: Said, when: float) -> None:
    """Try again at `when`; what follows in the same chat waits, too."""
    db.execute("update outbox set tries = tries + 1, next_try = ? where number = ?", (when, said.number))
