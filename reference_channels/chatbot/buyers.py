"""Around the steps about a buyer over all channels: they are there where the gateway declares it, and a refusal is told
in words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import wraps

from reference_channels.chatbot.browsing import short
from reference_channels.chatbot.talk import Talk
from reference_channels.kit.errors import Json, Problem
from reference_channels.trade.buyers import NotOfferedError, final
from reference_channels.trade.ownership import NotHersError

Step = Callable[..., Awaitable[None]]
# A code that somebody typed is no longer.
LONGEST_CODE = 64
# Refusals of what was typed, which can be typed again.
MISTYPED = frozenset({"link_proof_invalid", "not_found", "invalid"})


def told(step: Step) -> Step:
    """What the gateway does not offer, what is not hers, and what is refused for good is said. What may work later is
    raised."""

    @wraps(step)
    async def work(talk: Talk, *arguments: str) -> None:
        try:
            await step(talk, *arguments)
        except NotOfferedError:
            talk.reply(talk.say("buyers.not_offered"))
        except NotHersError:
            talk.reply(talk.say("goods.not_yours"), buttons=[[talk.button("owned.button", "mygoods")]])
        except Problem as problem:
            if not final(problem):
                raise
            _refused(talk, problem.code)

    return work


def _refused(talk: Talk, code: str) -> None:
    """Why, and what can be done: a code that was mistyped is still asked for, one that is used up is not."""
    why = talk.say(f"refused.{code}")
    if talk.heard.text and talk.chat.draft and code in MISTYPED:
        talk.reply(f"{why} {talk.say('ask.again')}", buttons=[[talk.button("ask.cancel", "leave")]])
        return
    if talk.heard.text:
        talk.chat.draft = {}
    links = code.startswith(("link_", "proof_"))
    talk.reply(why, buttons=[[talk.button("link.title", "link")]] if links else [])


def pick(found: Iterable[Json], name: str, by: str = "id") -> Json | None:
    """The one that a button named in short."""
    return next((each for each in found if short(each[by]) == name), None)


def day(stamp: str) -> str:
    """The day of a time on the wire."""
    return stamp[:10]
