"""A terminal as a messenger: one person, one chat. It shows that the bot knows nothing of Telegram."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

from reference_channels.chatbot.messenger import Button, Heard, Menu, Message, Take

Read = Callable[[], Awaitable[str | None]]
Write = Callable[[str], None]


class Console:
    """Reads lines by `read` (None ends the chat) and writes by `write`. Buttons have numbers; a number presses one."""

    name = "console"

    def __init__(self, read: Read, write: Write, language: str = "en", files: Path | None = None) -> None:
        self._read = read
        self._write = write
        self._language = language
        self._files = files
        self._buttons: list[Button] = []
        # Ids that no earlier run has used.
        self._ids = count(time.time_ns())

    async def listen(self, take: Take, menu: Menu) -> None:
        """Until there is nothing more to read."""
        while (line := await self._read()) is not None:
            await take(self._heard(line.strip()))

    def _heard(self, line: str) -> Heard:
        number = f"console-{next(self._ids)}"
        here = {"chat": "here", "person": "here", "private": True, "language": self._language}
        chosen = int(line) - 1 if line.isascii() and line.isdigit() else -1
        if 0 <= chosen < len(self._buttons) and self._buttons[chosen].press:
            return Heard(number, **here, press=self._buttons[chosen].press, press_id=number, message_id="1")  # type: ignore[arg-type]
        return Heard(number, **here, text=line)  # type: ignore[arg-type]

    async def send(self, chat: str, message: Message) -> None:
        """Write it down, with numbers for the buttons."""
        lines = ["", "".join(part.text for part in message.parts)]
        self._buttons = [each for row in message.buttons for each in row] or self._buttons
        for row in message.buttons:
            lines.append("  ".join(self._label(each) for each in row))
        self._write("\n".join(lines))

    def _label(self, button: Button) -> str:
        label = f"[{self._buttons.index(button) + 1}] {button.label}"
        return f"{label}: {button.url}" if button.url else label

    async def send_file(self, chat: str, name: str, content: bytes, caption: str) -> None:
        """Put it into the folder."""
        if self._files is None:
            self._write(f"{caption} ({name}, {len(content)} bytes; no folder was named for files)")
            return
        path = self._files / Path(name).name
        await asyncio.to_thread(path.write_bytes, content)
        self._write(f"{caption} -> {path}")

    async def edit(self, chat: str, message_id: str, message: Message) -> None:
        """What is written stays; it is written anew below."""
        await self.send(chat, message)

    async def answer(self, press_id: str) -> None:
        """Nobody waits."""

    def link(self, start: str) -> str:
        """A terminal has no address."""
        return ""

    def share(self, start: str) -> str:
        """Nor anybody to hand it to."""
        return ""

    async def close(self) -> None:
        """Nothing to let go of."""
