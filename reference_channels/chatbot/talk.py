"""One update being answered: who it is, what is at hand, and what is said to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reference_channels.chatbot.chats import Chat
from reference_channels.chatbot.messenger import Button, Heard, Message, Messenger, Part
from reference_channels.chatbot.post import Said
from reference_channels.trade.intents import Intent
from reference_channels.trade.money import money
from reference_channels.trade.settings import Trade
from reference_channels.trade.words import Words

WORDS = Words(Path(__file__).parent / "texts")
Rows = Sequence[Sequence[Button]]


def bold(text: str) -> Part:
    """In bold."""
    return Part(text, "bold")


def code(text: str) -> Part:
    """To be copied as it is."""
    return Part(text, "code")


def message(*parts: Part | str, buttons: Rows = (), guarded: bool = False) -> Message:
    """A message of parts; plain strings are plain text."""
    made = tuple(part if isinstance(part, Part) else Part(part) for part in parts)
    return Message(made, tuple(tuple(row) for row in buttons if row), guarded)


@dataclass
class Talk:
    """Replies are gathered in `said`, and purchases as the person was shown them in `shown`; both are stored with the
    chat when the update is dealt with. With `forget` nothing of the chat is kept."""

    trade: Trade
    messenger: Messenger
    chat: Chat
    heard: Heard
    said: list[Said] = field(default_factory=list)
    shown: list[Intent] = field(default_factory=list)
    forget: bool = False

    def say(self, key: str, **values: object) -> str:
        """The words for a key in the person's language."""
        return WORDS.say(self.chat.language, key, **values)

    def button(self, key: str, press: str, **values: object) -> Button:
        """A button with the words for a key."""
        return Button(self.say(key, **values), press)

    def money(self, amount: int, currency: str) -> str:
        """An amount as people write it."""
        return money(amount, currency, self.chat.language)

    def reply(self, *parts: Part | str, buttons: Rows = ()) -> None:
        """Say something new."""
        self.said.append(Said(self.chat.id, message(*parts, buttons=buttons)))

    def replace(self, *parts: Part | str, buttons: Rows = ()) -> None:
        """Say it in place of the message whose button was pressed; a written word is answered anew."""
        self.said.append(Said(self.chat.id, message(*parts, buttons=buttons), self.heard.message_id))

    async def whisper(self, *parts: Part | str, buttons: Rows = ()) -> None:
        """Say now, and keep nowhere, what only this person may see. Raises MessengerError."""
        await self.messenger.send(self.chat.id, message(*parts, buttons=buttons, guarded=True))
