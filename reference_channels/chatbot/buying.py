"""From the button to the order: ask what must be asked, hold, show the price, take the money. The steps are those of
`Purchases`, as in any channel (TST-008)."""

from __future__ import annotations

import json
import secrets

from reference_channels.chatbot import asking, passes, receipts
from reference_channels.chatbot.browsing import named
from reference_channels.chatbot.passes import Pass
from reference_channels.chatbot.talk import Talk
from reference_channels.kit.errors import Json
from reference_channels.trade.fields import regions
from reference_channels.trade.intents import Intent
from reference_channels.trade.selling import Wish


async def own(talk: Talk, intent_id: str) -> Intent | None:
    """The person's own purchase; of another's nothing is said but that there is none (DLV-012)."""
    intent = await talk.trade.purchases.find(intent_id)
    if intent is None or intent.buyer != talk.chat.buyer:
        talk.reply(talk.say("order.unknown"))
        return None
    return intent


async def buy(talk: Talk, name: str = "", quantity: str = "1", intent_id: str = "", *_: str) -> None:
    """The buy button. Pressed again, it goes on where the purchase stands (SEL-009)."""
    if await talk.trade.purchases.find(intent_id) is not None:
        await retry(talk, intent_id)
        return
    wanted = int(quantity) if quantity.isdecimal() else 1
    talk.chat.draft = {"intent": intent_id, "offer": name, "quantity": wanted, "given": {}, "done": []}
    await go_on(talk)


async def go_on(talk: Talk) -> None:
    """Ask the next question, or buy when there is none left."""
    draft = talk.chat.draft
    offer = await talk.trade.db.run(lambda db: named(db, draft["offer"]))
    if offer is None:
        talk.chat.draft = {}
        talk.replace(talk.say("offer.gone"), buttons=[[talk.button("offers.back", "categories")]])
    elif not asking.ask(talk, offer):
        await _open(talk, offer)


async def _open(talk: Talk, offer: Json) -> None:
    draft, chat = talk.chat.draft, talk.chat
    wish = Wish(
        intent_id=draft["intent"],
        offer_id=offer["id"],
        quantity=draft["quantity"],
        buyer=chat.buyer,
        region=chat.region if regions(offer) else None,
        locale=chat.language,
        buyer_input=draft["given"],
    )
    chat.draft = {}
    intent = await talk.trade.purchases.open(wish)
    await receipts.show(talk, await talk.trade.purchases.hold(intent.id))


async def answer(talk: Talk, intent_id: str = "", number: str = "", choice: str = "", *_: str) -> None:
    """A button under a question. One of a question that is not being asked any more is too old."""
    draft = talk.chat.draft
    offer = await talk.trade.db.run(lambda db: named(db, draft.get("offer", "")))
    if offer is None or draft.get("intent") != intent_id or draft.get("asking") != number:
        talk.reply(talk.say("press.old"))
        return
    asking.chosen(talk, offer, choice)
    await go_on(talk)


async def written(talk: Talk, text: str) -> None:
    """What the person wrote when a question was asked."""
    draft = talk.chat.draft
    offer = await talk.trade.db.run(lambda db: named(db, draft["offer"]))
    if offer is None or asking.entered(talk, offer, text):
        await go_on(talk)


async def order(talk: Talk, intent_id: str = "", *_: str) -> None:
    """How a purchase stands."""
    if (intent := await own(talk, intent_id)) is not None:
        await receipts.show(talk, intent)


async def retry(talk: Talk, intent_id: str = "", *_: str) -> None:
    """The gateway could not be reached before: try to hold again, with the same key; or see how far the order is."""
    intent = await own(talk, intent_id)
    if intent is not None:
        purchases = talk.trade.purchases
        move = purchases.hold if intent.state == "opened" else purchases.advance
        await receipts.show(talk, await move(intent.id))


async def cancel(talk: Talk, intent_id: str = "", *_: str) -> None:
    """The buyer leaves; the hold is given back (SEL-015)."""
    intent = await own(talk, intent_id)
    if intent is not None:
        await receipts.show(talk, await talk.trade.purchases.cancel(intent.id, "cancelled"))


async def pay(talk: Talk, intent_id: str = "", *_: str) -> None:
    """The pay button; the payment is pretended. A real bot sends an invoice, and is here when the provider says that
    the money is there. Who was promised sealed goods is asked again when they cannot be sealed after all."""
    intent = await own(talk, intent_id)
    if intent is None:
        return
    key = await talk.trade.db.run(lambda db: passes.seal_of(db, intent.id))
    if intent.state == "held" and key and not await talk.trade.link.seals():
        await talk.trade.db.run(lambda db: passes.seal(db, intent.id, None))
        talk.reply(talk.say("seal.gone"))
        await receipts.show(talk, intent)
        return
    paid_by = f"invoice-{secrets.token_hex(8)}"
    await receipts.show(
        talk, await talk.trade.purchases.pay(intent.id, paid_by, json.loads(key) if key else None)
    )


async def seal(talk: Talk, intent_id: str = "", *_: str) -> None:
    """A chat keeps no keys. So the buyer gets a link to a page where the browser makes one."""
    intent = await own(talk, intent_id)
    if intent is not None and intent.state == "held":
        await receipts.hand_link(talk, Pass("seal", intent.id, talk.chat.id))
    elif intent is not None:
        await receipts.show(talk, intent)
