"""What the bot asks of a messenger, and nothing of any particular one. To add one, write a class like `Messenger`.

Text is made of parts and never of markup: each messenger escapes in its own way, so a product's name cannot
break a message or smuggle a link into it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of text. `style` is "" (plain), "bold" or "code" (to be copied as it is)."""

    text: str = field(repr=False)
    style: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """Under a message. Pressed, it gives `press` (at most 64 bytes) back to the bot, or opens `url`."""

    label: str
    press: str = ""
    url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """What the bot says. `guarded` asks that it be not forwarded or saved."""

    parts: tuple[Part, ...]
    buttons: tuple[tuple[Button, ...], ...] = ()
    guarded: bool = False

    def to_json(self) -> Json:
        """For the outbox."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Json) -> Message:
        """As `to_json` gave it."""
        rows = tuple(tuple(Button(**each) for each in row) for row in stored["buttons"])
        return cls(tuple(Part(**each) for each in stored["parts"]), rows, stored["guarded"])


@dataclass(frozen=True, slots=True)
class Heard:
    """What a person did: wrote `text`, or pressed a button (`press`) under the message `message_id`.

    `id` names the update, so that it counts once however often it is delivered; `person` is who did it and
    `chat` where; `private` says that nobody else reads along; `press_id` is to be answered.
    """

    id: str
    chat: str
    person: str
    private: bool
    language: str = "en"
    text: str = field(default="", repr=False)
    press: str = ""
    press_id: str = ""
    message_id: str = ""


Take = Callable[[Heard], Awaitable[None]]
# What each command does, by language; "" is for all that have none of their own.
Menu = Mapping[str, Mapping[str, str]]


class Messenger(Protocol):
    """A way to talk with people. Everything but `listen` raises Refused, Flooded or Unreachable."""

    name: str

    async def listen(self, take: Take, menu: Menu) -> None:
        """Give everything that is heard to `take`, until cancelled. What `take` has answered for is stored, and
        need not be delivered again. `menu` is shown where the messenger has a place for it."""

    async def send(self, chat: str, message: Message) -> None:
        """Say something."""

    async def send_file(self, chat: str, name: str, content: bytes, caption: str) -> None:
        """Hand over a document."""

    async def edit(self, chat: str, message_id: str, message: Message) -> None:
        """Say it in place of what was said before, or anew where that cannot be."""

    async def answer(self, press_id: str) -> None:
        """Tell the person's device that the press has arrived."""

    def link(self, start: str) -> str:
        """An address that opens the chat and says `/start <start>`; "" where there is none."""

    def share(self, start: str) -> str:
        """An address by which a person hands that link to another; "" where there is none."""

    async def close(self) -> None:
        """Let go of connections."""


class MessengerError(Exception):
    """It was not said. The words are the messenger's, and never those of the message."""


class Refused(MessengerError):
    """And never will be: the chat is gone, the bot is blocked, the message is not accepted."""


class Unreachable(MessengerError):
    """It is not known whether it was: no answer came, or the messenger has a fault of its own."""


class Flooded(MessengerError):
    """Too much at once; `retry_after` says how many seconds to wait."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"asked to wait for {retry_after:g} s")
        self.retry_after = retry_after
