"""Who the bot talks with: a chat, its buyer, and what the buyer is in the middle of saying."""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
from dataclasses import dataclass, field

from reference_channels.kit.errors import Json

SCHEMA = """
create table if not exists chats (
  id text primary key, buyer text not null, language text not null, region text, draft text not null
) strict;
create index if not exists chats_buyer on chats (buyer);
"""


@dataclass(slots=True)
class Chat:
    """`id` is the messenger's and stays here; `buyer` is what the gateway knows the person by. `region` is asked for
    once. `draft` is what is being asked for, question by question; empty when nothing is."""

    id: str
    buyer: str
    language: str
    region: str | None = None
    draft: Json = field(default_factory=dict, repr=False)


def buyer_of(key: bytes, messenger: str, person: str) -> str:
    """The buyer's reference at the gateway: a keyed hash, for the ids of a messenger are few enough to try all."""
    told = hmac.new(key, f"buyer:{messenger}:{person}".encode(), hashlib.sha256).hexdigest()
    return f"chat-{told[:32]}"


def forget(db: sqlite3.Connection, chat_id: str) -> None:
    """Keep nothing of a chat but the ids of what was dealt with, so that nothing counts again."""
    db.execute("delete from chats where id = ?", (chat_id,))
    db.execute("delete from watches where chat = ?", (chat_id,))


def find(db: sqlite3.Connection, chat_id: str) -> Chat | None:
    """The chat as it was left."""
    row = db.execute("select * from chats where id = ?", (chat_id,)).fetchone()
    return None if row is None else Chat(row[0], row[1], row[2], row[3], json.loads(row[4]))


def save(db: sqlite3.Connection, chat: Chat) -> None:
    """Keep where the chat stands."""
    values = (chat.id, chat.buyer, chat.language, chat.region, json.dumps(chat.draft))
    db.execute("insert or replace into chats values (?, ?, ?, ?, ?)", values)
