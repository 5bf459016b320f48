"""Buyers at the channel: one, two, impatient ones, and those who may not."""

from __future__ import annotations

import asyncio
from typing import Any

from conformance.driver.channel_client import HOLDING, ChannelSession
from conformance.model import scenario
from conformance.timing import AFTERWARDS, UNSOLD

Wish = dict[str, Any]
CROWD = 12  # buyers at once
ODD_CODE = "  0007-ÄÖ 漢字 <b>&amp;</b> \"'\\ %20+ "
ACCOUNT = {
    "type": "object",
    "required": ["account"],
    "properties": {"account": {"type": "string", "minLength": 3}},
}


@scenario("buy", role="channel")
async def buy(session: ChannelSession) -> None:
    """One buyer buys two of an offer."""
    offer = await session.offered()
    await session.shelf("shelf")
    await session.buy(offer, "bought", quantity=2)
    await session.stock(offer, "stock")


@scenario("two_buyers", role="channel")
async def two_buyers(session: ChannelSession) -> None:
    """Two buyers buy the same offer, one after the other."""
    offer = await session.offered()
    await session.buy(offer, "first")
    await session.buy(offer, "second")


@scenario("same_buyer", role="channel")
async def same_buyer(session: ChannelSession) -> None:
    """One buyer buys twice, another one once."""
    offer = await session.offered()
    for label, who in (("first", "buyer-known"), ("again", "buyer-known"), ("other", "buyer-other")):
        await session.buy(offer, label, buyer_reference=who)


@scenario("double_press", role="channel")
async def double_press(session: ChannelSession) -> None:
    """One buyer presses the button twice at once, and once more later."""
    offer = await session.offered()
    intent = session.intent()
    wish: Wish = {"buyer_reference": "buyer-twice"}
    await asyncio.gather(*(session.press(offer, f"press {n}", intent, **wish) for n in (1, 2)))
    await session.buy(offer, "bought", intent, **wish)
    await session.press(offer, "press again", intent, **wish)
    await session.stock(offer, "stock")


@scenario("last_unit", role="channel")
async def last_unit(session: ChannelSession) -> None:
    """Two buyers at once want the last unit."""
    offer = await session.offered(stock=1)
    await asyncio.gather(*(session.buy(offer, f"buyer {n}") for n in (1, 2)))
    await session.stock(offer, "stock")


@scenario("crowd", role="channel")
async def crowd(session: ChannelSession) -> None:
    """Twelve buyers at once want one each of three units."""
    offer = await session.offered(stock=3)
    await asyncio.gather(*(session.buy(offer, f"buyer {n}") for n in range(CROWD)))
    await session.stock(offer, "stock")


@scenario("sold_out", role="channel")
async def sold_out(session: ChannelSession) -> None:
    """The gateway has none left, and the channel does not know yet."""
    offer = await session.offered(stock=1)
    session.gateway.hidden.add(offer)
    await session.change(offer, void_available=1)
    await session.buy(offer, "bought")


@scenario("sold_out_shelf", role="channel")
async def sold_out_shelf(session: ChannelSession) -> None:
    """One offer sells out, another does not, and the channel catches up."""
    gone = await session.offer("gone", stock=1)
    await session.offered("left", stock=1)
    await session.shelf("before")
    await session.change(gone, void_available=1)
    await session.sync()
    await session.shelf("after")


@scenario("region", role="channel")
async def region(session: ChannelSession) -> None:
    """An offer for Germany only: one buyer is in France, one in Germany."""
    offer = await session.offered(restrictions={"regions": ["DE"]})
    await session.buy(offer, "elsewhere", region="FR")
    await session.buy(offer, "at home", region="DE")


@scenario("unpaid", role="channel")
async def unpaid(session: ChannelSession) -> None:
    """A buyer stops before paying, and pays later."""
    offer = await session.offered()
    intent = session.intent()
    wish: Wish = {"buyer_reference": "buyer-slow"}
    await session.press(offer, "not paid", intent, pay=False, **wish)
    await session.look(intent, "still not paid")
    await session.buy(offer, "paid", intent, **wish)


@scenario("buyer_input", role="channel")
async def buyer_input(session: ChannelSession) -> None:
    """An offer that needs the buyer's account name."""
    offer = await session.offered(buyer_input=ACCOUNT)
    await session.buy(offer, "without")
    await session.buy(offer, "with", buyer_input={"account": "player-one"})


@scenario("odd_goods", role="channel")
async def odd_goods(session: ChannelSession) -> None:
    """A code that anything but byte for byte would spoil."""
    offer = await session.offered(codes=[ODD_CODE])
    await session.buy(offer, "bought")


@scenario("price_before_hold", role="channel")
async def price_before_hold(session: ChannelSession) -> None:
    """The price rises after the buyer saw it and before the channel asks for a hold."""
    offer = await session.offered()
    session.gateway.hidden.add(offer)
    price = session.transcript.fact("price_before_hold", "offer price")
    await session.change(offer, price={**price, "amount": price["amount"] + 700})
    await session.buy(offer, "bought", settling=UNSOLD)
    await asyncio.sleep(AFTERWARDS)


@scenario("price_after_hold", role="channel")
async def price_after_hold(session: ChannelSession) -> None:
    """The price rises between the hold and the order, and the channel hears of it."""
    offer = await session.offered()
    session.gateway.hidden.add(offer)
    price = session.transcript.fact("price_after_hold", "offer price")

    async def rise() -> None:
        raised = await session.change(offer, price={**price, "amount": price["amount"] + 900})
        with session.transcript.scene("price_after_hold"):
            await session.send(session.event("offer.updated", raised), "raised")

    fault = session.fault(HOLDING, offer, then=rise)
    await session.buy(offer, "bought")
    session.transcript.note("risen", fault.served)
