"""People who talk with the bot, by the server's side: they write, press what they see, and wait for what is said."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.reference_channels.chatbot.bot_api import BotApi

Json = dict[str, Any]
PATIENCE = 15.0


@dataclass
class Person:
    """Somebody in a private chat with the bot; in a group when `group` is its id."""

    api: BotApi
    id: int = 4711
    language: str = "en"
    group: int | None = None

    @property
    def chat(self) -> int:
        return self.group or self.id

    def _message(self, **members: Any) -> Json:
        kind = "group" if self.group else "private"
        chat = {"id": self.chat, "type": kind}
        return {"message_id": self.api.number(), "date": int(time.time()), "chat": chat, **members}

    def _me(self) -> Json:
        return {"id": self.id, "is_bot": False, "first_name": "Ada", "language_code": self.language}

    def wrote(self, text: str) -> Json:
        """The update for a text; it can be delivered more than once."""
        self.api.messages.setdefault(self.chat, {})
        return {
            "update_id": self.api.number(),
            "message": self._message(text=text, **{"from": self._me()}),
        }

    async def writes(self, text: str) -> None:
        """Write to the bot."""
        await self.api.happen(self.wrote(text))

    def pressed(self, label: str, message: Json | None = None) -> Json:
        """The update for a press of the button whose label has this text, in the latest message that has one."""
        shown = [message] if message else list(reversed(self.api.messages[self.chat].values()))
        for each in shown:
            for button in each["buttons"]:
                if label in button["text"] and "callback_data" in button:
                    return self._press(each["id"], button["callback_data"])
        raise AssertionError((label, [each["buttons"] for each in shown]))

    def made_up(self, data: str) -> Json:
        """The update for a button that was never shown."""
        return self._press(self.api.number(), data)

    def _press(self, message_id: int, data: str) -> Json:
        number = self.api.number()
        self.api.presses.add(str(number))
        message = {**self._message(), "message_id": message_id}
        query = {
            "id": str(number),
            "from": self._me(),
            "message": message,
            "chat_instance": "1",
            "data": data,
        }
        return {"update_id": number, "callback_query": query}

    async def presses(self, label: str) -> None:
        """Press it."""
        await self.api.happen(self.pressed(label))

    @property
    def sees(self) -> list[Json]:
        """All messages, the latest at the end."""
        return list(self.api.messages.get(self.chat, {}).values())

    async def until(self, fits: Callable[[Json], bool]) -> Json:
        """Wait until a message is there that fits."""

        def found() -> Json | None:
            return next((each for each in reversed(self.sees) if fits(each)), None)

        try:
            async with asyncio.timeout(PATIENCE), self.api.changed:
                await self.api.changed.wait_for(lambda: found() is not None)
        except TimeoutError:
            raise AssertionError([each["text"] for each in self.sees]) from None
        return found() or {}

    async def reads(self, text: str) -> Json:
        """Wait until a message has this text."""
        return await self.until(lambda message: text in message["text"])

    async def asks(self, press: str, text: str) -> Json:
        """Press a button and wait for an answer."""
        await self.presses(press)
        return await self.reads(text)

    async def says(self, words: str, text: str) -> Json:
        """Write and wait for an answer."""
        await self.writes(words)
        return await self.reads(text)

    def link(self, label: str) -> str:
        """The address of the latest button with this label."""
        for each in reversed(self.sees):
            for button in each["buttons"]:
                if label in button["text"] and "url" in button:
                    return str(button["url"])
        raise AssertionError(label)
