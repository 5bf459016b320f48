"""`vgcp chatbot` as a process of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from reference_channels.chatbot.cli import chatbot
from reference_channels.trade.logs import set_up
from tests.reference_channels.chatbot.bot_api import TOKEN, BotApi
from tests.reference_channels.chatbot.people import Person


def test_help_shows_examples() -> None:
    """The commands explain themselves."""
    assert "talk" in CliRunner().invoke(chatbot, ["--help"]).output
    output = CliRunner().invoke(chatbot, ["serve", "--help"]).output
    assert "Examples:" in output
    assert "VGCP_TELEGRAM_TOKEN" in output


def test_a_webhook_needs_https() -> None:
    """Telegram calls nothing else; said before anything starts."""
    options = ["serve", "--port", "0", "--telegram-token", "1:x", "--telegram-webhook"]
    answer = CliRunner().invoke(chatbot, options)
    assert answer.exit_code == 2
    assert "https" in answer.output


async def test_it_talks_and_stops(tmp_path: Path) -> None:
    """The token from the environment; SIGTERM ends it with 0; neither output nor log nor database has the token."""
    async with BotApi() as api:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("VGCP_")}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "spec.cli", "chatbot", "serve", "--port", "0", "--data", str(tmp_path / "data"),
            "--telegram-api", api.url, "--log-level", "debug",
            env={**kept, "VGCP_TELEGRAM_TOKEN": TOKEN, "PYTHONPATH": str(Path(__file__).parents[3])},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=tmp_path,
        )  # fmt: skip
        try:
            await Person(api).says("/start", "The shelves are being filled")
            process.send_signal(signal.SIGTERM)
            output, _ = await asyncio.wait_for(process.communicate(), 15)
        finally:
            if process.returncode is None:
                process.kill()
    assert process.returncode == 0
    assert b"Lumen is open at" in output
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert TOKEN.encode() not in output + stored


def test_a_quiet_terminal_is_for_the_conversation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With `--log-level warning` no line that is kept for later is shown."""
    own, root = logging.getLogger("reference_channels"), logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    for each in (own, root):
        monkeypatch.setattr(each, "level", logging.INFO)
    set_up("warning")
    own.setLevel(logging.INFO)
    own.info("answered")
    own.warning("the gateway is away")
    shown = capsys.readouterr().err
    assert "answered" not in shown
    assert "the gateway is away" in shown
