"""`vgcp chatbot`: run the second reference channel."""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
from pathlib import Path

import click

from reference_channels.trade import serving
from reference_channels.trade.settings import Settings

EXAMPLES = """\b
Examples:
  A sandbox that certification can drive, with nobody to talk to:
    vgcp chatbot serve --port 8082 --test-secret s3cret
  A bot on Telegram that trades with a gateway; its token and secrets from the environment only:
    VGCP_TELEGRAM_TOKEN=… VGCP_CLIENT_SECRET=… VGCP_WEBHOOK_SECRET=… \\
      vgcp chatbot serve --gateway https://gateway.example --client-id ch_lumen \\
      --public-url https://bot.example
  The same, called by Telegram instead of asking it:
    VGCP_TELEGRAM_TOKEN=… vgcp chatbot serve --telegram-webhook --public-url https://bot.example …
  The same conversation in this terminal, without Telegram:
    vgcp chatbot talk --gateway http://127.0.0.1:8080 --client-id … --client-secret …
"""
NAME, PORT = "Lumen", 8082


@click.group()
def chatbot() -> None:
    """The second reference channel: a chat bot, on Telegram or in a terminal."""


@chatbot.command(epilog=EXAMPLES)
@serving.options("chatbot", NAME, PORT)
@click.option(
    "--telegram-token", envvar="VGCP_TELEGRAM_TOKEN",
    help="The bot's token from BotFather. Better from the environment: a process list shows options.",
)  # fmt: skip
@click.option(
    "--telegram-api", default="https://api.telegram.org", show_default=True, help="Server of the Bot API."
)
@click.option(
    "--telegram-webhook", is_flag=True, help="Have Telegram call --public-url (HTTPS) instead of polling."
)
def serve(
    settings: Settings, listener: socket.socket, telegram_token: str | None, telegram_api: str, telegram_webhook: bool
) -> None:  # fmt: skip
    """Run the bot until it is told to stop (SIGTERM or Ctrl-C). Without a token it talks to nobody."""
    if telegram_webhook and not (telegram_token and settings.secure):
        raise click.UsageError("--telegram-webhook needs a token and an https --public-url")
    # Here, so that `--help` and mistakes in the options are answered without loading the bot.
    from reference_channels.chatbot.app import WEBHOOK, build
    from reference_channels.chatbot.telegram import Telegram, TelegramSettings

    messenger = None
    if telegram_token:
        webhook = settings.public_url + WEBHOOK if telegram_webhook else ""
        messenger = Telegram(
            TelegramSettings(telegram_token, telegram_api.rstrip("/"), webhook, secrets.token_urlsafe(32))
        )
    asyncio.run(serving.serve(build(settings, messenger), settings, listener))


@chatbot.command(epilog=EXAMPLES)
@serving.options("chatbot", NAME, PORT)
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Yours.")
def talk(settings: Settings, listener: socket.socket, language: str) -> None:
    """Talk with the bot in this terminal. Numbers press buttons; Ctrl-D ends it."""
    from reference_channels.chatbot.app import build
    from reference_channels.chatbot.console import Console

    async def read() -> str | None:
        return await asyncio.to_thread(sys.stdin.readline) or None

    console = Console(read, click.echo, language, Path.cwd())
    asyncio.run(serving.serve(build(settings, console), settings, listener))
