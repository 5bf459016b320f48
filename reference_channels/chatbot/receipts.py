"""How a purchase stands, as a message: from the invoice to the goods."""

from __future__ import annotations

import json

from reference_channels.chatbot import passes
from reference_channels.chatbot.browsing import leaf, title
from reference_channels.chatbot.messenger import Button, Part
from reference_channels.chatbot.passes import Pass
from reference_channels.chatbot.talk import Rows, Talk, bold
from reference_channels.trade import intents
from reference_channels.trade.intents import Intent

PER_PAGE = 8


async def show(talk: Talk, intent: Intent) -> None:
    """The purchase as it is now, in place of the message with the button."""
    talk.shown.append(intent)
    look = {"opened": _waiting, "held": _invoice, "paid": _confirming, "ordered": _confirming}.get(
        intent.state
    )
    if look is not None:
        await look(talk, intent)
    elif intent.state == "fulfilled":
        _ready(talk, intent)
    elif intent.state == "stuck":
        talk.replace(bold(talk.say("order.stuck")), "\n", talk.say("order.support", number=intent.trace_id))
    else:
        _refused(talk, intent)


def heading(talk: Talk, intent: Intent) -> list[Part | str]:
    """What it is, how many, and for how much."""
    name = title(talk, json.loads(intent.offer))
    total = talk.money(intent.amount, intent.currency)
    return [bold(name), f"\n{intent.quantity} × · {total}\n\n"]


async def _waiting(talk: Talk, intent: Intent) -> None:
    key = "reason.hold_limit_reached" if intent.reason == "hold_limit_reached" else "order.unreachable"
    rows = [
        [talk.button("order.retry", f"retry:{intent.id}"), talk.button("order.cancel", f"cancel:{intent.id}")]
    ]
    talk.replace(*heading(talk, intent), talk.say(key), buttons=rows)


async def _invoice(talk: Talk, intent: Intent) -> None:
    now, trade = talk.trade.clock(), talk.trade
    minutes = max(1, int(((intent.hold_until or now) - now) // 60))
    sealed = await trade.db.run(lambda db: passes.seal_of(db, intent.id))
    parts = [*heading(talk, intent), talk.say("order.held", minutes=minutes)]
    if intent.unit_amount is not None and intent.unit_amount != intent.seen_amount:
        before = talk.money(intent.seen_amount * intent.quantity, intent.currency)
        parts.append("\n" + talk.say("order.changed", before=before))
    total = talk.money(intent.amount, intent.currency)
    rows = [[talk.button("order.pay", f"pay:{intent.id}", total=total)]]
    if sealed:
        parts.append("\n" + talk.say("order.sealed"))
    elif await trade.link.seals():
        rows.append([talk.button("order.seal", f"seal:{intent.id}")])
    rows.append([talk.button("order.cancel", f"cancel:{intent.id}")])
    talk.replace(*parts, buttons=rows)


async def _confirming(talk: Talk, intent: Intent) -> None:
    rows = [[talk.button("order.check", f"retry:{intent.id}")]]
    talk.replace(*heading(talk, intent), talk.say("order.confirming"), buttons=rows)


def _ready(talk: Talk, intent: Intent) -> None:
    parts = heading(talk, intent)
    if intent.refunded:
        parts.append(talk.say("order.given_back", amount=talk.money(intent.refunded, intent.currency)) + "\n")
    if intent.order_status == "refunded":
        talk.replace(*parts, talk.say("order.taken_back"))
        return
    if intent.recipient_key is not None:
        button = talk.button("order.open", f"open:{intent.id}")
    else:
        button = talk.button(
            f"order.show.{json.loads(intent.offer).get('delivery_kind')}", f"show:{intent.id}"
        )
    talk.replace(*parts, talk.say("order.ready"), buttons=[[button]])


def _refused(talk: Talk, intent: Intent) -> None:
    money = "order.refunded" if intent.payment == "refunded" else "order.not_charged"
    why = talk.say(f"reason.{intent.reason or 'other'}")
    rows = [[talk.button("offers.back", "categories")]]
    talk.replace(bold(talk.say("order.refused")), f"\n{why} {talk.say(money)}", buttons=rows)


async def hand_link(talk: Talk, given: Pass) -> None:
    """Give a one-time link to a page of the bot's own. Said at once and kept nowhere: who has it may use it.
    Raises MessengerError."""
    trade = talk.trade
    token = await trade.db.run(lambda db: passes.issue(db, given, trade.clock()))
    address = f"{trade.settings.public_url}/{given.purpose}?t={token}"
    button = Button(talk.say(f"{given.purpose}.link"), url=address)
    await talk.whisper(talk.say(f"{given.purpose}.text"), buttons=[[button]])


async def orders(talk: Talk, page: str = "0", *_: str) -> None:
    """The person's purchases, newest first."""
    found = await talk.trade.db.run(lambda db: intents.of_buyer(db, talk.chat.buyer))
    mine = [each for each in found if each.payment != "none" or each.state == "held"]
    if not mine:
        talk.replace(talk.say("orders.none"), buttons=[[talk.button("offers.back", "categories")]])
        return
    talk.replace(bold(talk.say("orders.title")), buttons=_listed(talk, mine, page))


def _listed(talk: Talk, mine: list[Intent], page: str) -> Rows:
    number, turns = leaf(talk, "orders", page, len(mine), PER_PAGE)
    rows = []
    for each in mine[number * PER_PAGE : (number + 1) * PER_PAGE]:
        about = f"{title(talk, json.loads(each.offer))[:40]} · {talk.say('status.' + each.state)}"
        rows.append([Button(about, f"order:{each.id}")])
    return [*rows, turns]
