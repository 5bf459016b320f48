"""The goods, from the gateway to their buyer's chat: asked for with a button, said at once, and kept nowhere here
(DLV-012, DLV-013)."""

from __future__ import annotations

import logging

from reference_channels.chatbot import buying, receipts
from reference_channels.chatbot.messenger import Button, Part
from reference_channels.chatbot.passes import Pass
from reference_channels.chatbot.talk import Talk, code
from reference_channels.kit.errors import GatewayError
from reference_channels.trade.reveal import Shown, reveal

log = logging.getLogger(__name__)
# What a messenger carries as text byte for byte: not too long, nothing invisible, no space at the ends.
LONGEST = 2000


async def show(talk: Talk, intent_id: str = "", *_: str) -> None:
    """The button under a delivered purchase. The updates of a chat come from its own person only."""
    intent = await buying.own(talk, intent_id)
    if intent is None:
        return
    if intent.recipient_key is not None:
        await receipts.hand_link(talk, Pass("open", intent.id, talk.chat.id))
        return
    try:
        found = await reveal(talk.trade.db, talk.trade.link, intent)
    except GatewayError as error:
        log.warning("goods could not be opened", extra={"problem": str(error)})
        talk.reply(talk.say("goods.failed"))
        return
    for number, each in enumerate(found, 1):
        await hand_over(talk, each, number)


async def hand_over(talk: Talk, each: Shown, number: int) -> None:
    """Say one unit, now. Raises MessengerError."""
    if each.gone:
        await talk.whisper(talk.say("goods.gone"))
    elif each.kind == "download" and each.text.startswith(("https://", "http://")):
        until = each.expires_at.replace("T", " ")[:16]
        button = Button(talk.say("goods.download"), url=each.text)
        await talk.whisper(talk.say("goods.until", until=until), buttons=[[button], [_hide(talk)]])
    elif len(each.text) > LONGEST or not each.text.isprintable() or each.text != each.text.strip():
        content = each.text.encode()
        await talk.messenger.send_file(
            talk.chat.id, f"{number}.txt", content, talk.say("goods.title", number=number)
        )
    else:
        parts: list[Part | str] = [talk.say("goods.title", number=number), "\n\n", code(each.text)]
        await talk.whisper(*parts, "\n\n" + talk.say("goods.hint"), buttons=[[_hide(talk)]])


def _hide(talk: Talk) -> Button:
    return talk.button("goods.hide", "hide")


async def hide(talk: Talk, what: str = "goods", *_: str) -> None:
    """Take the goods, or a code, out of the chat again. The goods can be shown anew at any time."""
    talk.replace(talk.say("code.hidden" if what == "code" else "goods.hidden"))
