"""The bot is certified by the suite, and buys at this repository's gateway as a person would."""

from __future__ import annotations

from pathlib import Path

from reference_channels.kit.retry import Policy
from tests.reference_channels.certifying import certify
from tests.reference_channels.chatbot.bot_api import BotApi
from tests.reference_channels.chatbot.conftest import running_bot, telegram


async def test_the_bot_is_certified(tmp_path: Path) -> None:
    """`vgcp certify channel` ends with 0, for every profile, while the bot talks to Telegram."""
    async with BotApi() as api:
        line, own = telegram(api), Policy()
        async with running_bot(
            tmp_path, line, signature_scheme="rfc9421", policy=own, sync_every=30.0
        ) as bot:
            assert await certify(bot.url) == []
