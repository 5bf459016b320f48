"""The bot on loopback: between a server that speaks Telegram's Bot API and this repository's gateway."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reference_channels.chatbot.app import WEBHOOK, build
from reference_channels.chatbot.messenger import Messenger
from reference_channels.chatbot.telegram import Telegram, TelegramSettings
from reference_channels.trade import intents
from reference_channels.trade.intents import Intent
from reference_channels.trade.settings import Settings
from tests.fixtures.databases import sqlite_database
from tests.fixtures.gateway import RunningGateway, in_process
from tests.reference_channels.chatbot.bot_api import TOKEN, BotApi
from tests.reference_channels.chatbot.people import Person
from tests.reference_channels.conftest import POLICY, TEST_SECRET, RunningShop, serving


@asynccontextmanager
async def running_bot(
    data: Path, messenger: Messenger | None, bound: socket.socket | None = None, **options: Any
) -> AsyncIterator[RunningShop]:
    """A bot that takes requests and talks by the messenger."""
    bound = bound or socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    chosen = {
        "public_url": url, "kind": "chatbot", "test_secret": TEST_SECRET, "policy": POLICY, "worker_pause": 0.05,
        "sync_every": 3600,
    } | options  # fmt: skip
    app = build(Settings(data=data, **chosen), messenger, pause=0.05)
    async with serving(app, bound) as running:
        yield running


def telegram(api: BotApi, **options: Any) -> Telegram:
    """A line to the local server."""
    return Telegram(TelegramSettings(TOKEN, api.url, poll=2, timeout=2.0, first_pause=0.05, **options))


async def connect(gateway: RunningGateway, bot: RunningShop) -> dict[str, str]:
    """Register the bot at the gateway and tell it so by test control, as certification does."""
    client = await gateway.channel("Lumen bot", channel_url=bot.url)
    names = ("client_id", "client_secret", "webhook_secret")
    line = {"url": gateway.url} | {name: getattr(client, name) for name in names}
    await bot.control("POST", "/reset", {"gateway": line})
    return line


@dataclass
class Scene:
    """All that is there: `ada` is somebody in Telegram."""

    gateway: RunningGateway
    api: BotApi
    bot: RunningShop
    ada: Person
    folder: Path
    line: tuple[str, str, str]

    async def intents(self) -> list[Intent]:
        """All purchases, oldest first."""
        read = "select id from intents order by created_at"
        found = await self.bot.parts.db.run(
            lambda db: [intents.find(db, row[0]) for row in db.execute(read).fetchall()]
        )
        return [each for each in found if each is not None]

    async def stock(self, **members: Any) -> dict[str, Any]:
        """Put an offer on sale: two codes of "A game", or something else, of which there is enough."""
        codes = {} if "product_name" in members else {"codes": ["CODE-ONE", "CODE-TWO"]}
        offer = await self.gateway.offer(**({"price": 500} | codes | members))
        await self.bot.sync()
        return offer

    async def written(self) -> bytes:
        """Everything that the bot has logged or keeps."""
        lines = (await self.bot.control("GET", "/log"))["lines"]
        kept = [path.read_bytes() for path in self.folder.rglob("*") if path.is_file()]
        return b"\n".join([*(line.encode() for line in lines), *kept])


@asynccontextmanager
async def scene_of(
    folder: Path, template: Path, webhook: bool = False, **settings: Any
) -> AsyncIterator[Scene]:
    """Put everything up; the gateway on a copy of a migrated database. `settings` are the gateway's."""
    with in_process(sqlite_database(folder, template), **settings) as gateway:
        async with BotApi() as api:
            bound = socket.create_server(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{bound.getsockname()[1]}{WEBHOOK}"
            options = {"webhook": url, "webhook_secret": "only-telegram-knows"} if webhook else {}
            async with running_bot(folder / "bot", telegram(api, **options), bound) as bot:
                line = await connect(gateway, bot)
                who = (line["client_id"], line["client_secret"], line["webhook_secret"])
                yield Scene(gateway, api, bot, Person(api), folder / "bot", who)
            assert api.wrong == []


@pytest.fixture
async def scene(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Scene]:
    """The usual one: polling, sealing."""
    async with scene_of(tmp_path, sqlite_template, sealed_delivery=True) as found:
        yield found
