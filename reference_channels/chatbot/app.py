"""The one place where the bot is put together."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

from aiohttp import web

from reference_channels.chatbot import pages
from reference_channels.chatbot.bot import SCHEMA, Bot
from reference_channels.chatbot.messenger import Messenger
from reference_channels.chatbot.telegram import Telegram
from reference_channels.trade.app import application, background, running
from reference_channels.trade.database import setting
from reference_channels.trade.settings import Settings

BOT: web.AppKey[Bot] = web.AppKey("bot", Bot)
WEBHOOK = "/telegram"


def build(settings: Settings, messenger: Messenger | None, pause: float = 0.5) -> web.Application:
    """The bot as an aiohttp application. Without a messenger only test control talks to it."""
    app = application(settings, pages.error)
    pages.set_up(app)
    if isinstance(messenger, Telegram):
        app.router.add_post(WEBHOOK, messenger.receive)
    app.cleanup_ctx.append(lambda app: _running(app, settings, messenger, pause))
    return app


async def _running(
    app: web.Application, settings: Settings, messenger: Messenger | None, pause: float
) -> AsyncIterator[None]:
    """Everything that lives as long as the application."""
    async with running(app, settings, SCHEMA) as trade:
        if messenger is None:
            yield
            return
        key = await trade.db.run(lambda db: setting(db, "buyer_key", secrets.token_hex(32)))
        bot = app[BOT] = Bot(trade, messenger, bytes.fromhex(key), pause)
        app[pages.SAY] = bot.say
        async with background(bot.run()):
            yield
        await messenger.close()
