"""The same conversation in a terminal: the bot knows nothing of Telegram."""

from __future__ import annotations

import asyncio
from pathlib import Path

from reference_channels.chatbot.console import Console
from tests.fixtures.databases import sqlite_database
from tests.fixtures.gateway import in_process
from tests.reference_channels.chatbot.conftest import connect, running_bot


class Terminal:
    """What is typed, and what is on the screen."""

    def __init__(self) -> None:
        self.typed: asyncio.Queue[str | None] = asyncio.Queue()
        self.screen = ""

    async def sees(self, text: str) -> None:
        """Wait until it is on the screen, and clear it."""
        for _ in range(400):
            if text in self.screen:
                self.screen = ""
                return
            await asyncio.sleep(0.02)
        raise AssertionError(self.screen)

    def write(self, text: str) -> None:
        self.screen += text + "\n"

    async def types(self, line: str, text: str) -> None:
        """Type a line and wait for what it brings."""
        self.typed.put_nowait(line)
        await self.sees(text)

    def number(self, label: str) -> str:
        """The number of the button with this label."""
        before = self.screen.partition(label)[0]
        return before.rpartition("[")[2].partition("]")[0]


async def test_a_purchase_in_a_terminal(tmp_path: Path, sqlite_template: Path) -> None:
    """Numbers press buttons; a code of several lines becomes a file."""
    terminal = Terminal()
    console = Console(terminal.typed.get, terminal.write, files=tmp_path)
    with in_process(sqlite_database(tmp_path, sqlite_template)) as gateway:
        async with running_bot(tmp_path / "bot", console) as bot:
            await connect(gateway, bot)
            await gateway.offer(codes=["TWO\nLINES"], price=500)
            await bot.sync()
            await terminal.types("/start", "[1] Everything (1)")
            await terminal.types("1", "[1] A game · €5.00")
            await terminal.types("1", "[2] Buy 1 · €5.00")
            await terminal.types("2", "[1] Pay €5.00")
            await terminal.types("1", "[1] Show my code")
            await terminal.types("1", f"Your goods (1): -> {tmp_path}/1.txt")
    assert (tmp_path / "1.txt").read_bytes() == b"TWO\nLINES"


async def test_without_a_folder_files_are_named_only() -> None:
    """Nothing is written where nobody said so."""
    terminal = Terminal()
    console = Console(terminal.typed.get, terminal.write)
    await console.send_file("here", "1.txt", b"abc", "Yours")
    assert "3 bytes" in terminal.screen
    assert (console.link("x"), console.share("x")) == ("", "")
