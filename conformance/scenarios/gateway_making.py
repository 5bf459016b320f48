"""Stories of goods made on demand, by a supplier that does what test control says."""

from __future__ import annotations

import asyncio

from conformance import timing
from conformance.driver.gateway_client import GatewaySession
from conformance.driver.shop import Json, Shop
from conformance.model import scenario

DAY = 86_400
FORM: Json = {
    "type": "object",
    "required": ["account"],
    "properties": {"account": {"type": "string", "pattern": "^[0-9]{6,12}$"}},
}


@scenario("made_on_demand", role="gateway", capability="on_demand")
async def made_on_demand(s: GatewaySession) -> None:
    """Made, refused, made in part, made though the answer was lost; and a top-up."""
    shop = await s.shop()
    for manner, quantity in (("makes", 2), ("refuses", 2), ("alternates", 4), ("forgetful", 2)):
        offer = await shop.offer(on_demand={"supplier": manner})
        order = await shop.must("create_order", manner, body=shop.ordering(offer, quantity))
        await watch(shop, order, f"{manner} in the end")
        for delivery in await shop.deliveries(order, f"{manner} deliveries"):
            await shop.reveal(delivery, f"{manner} reveal")
    topup = await shop.offer(delivery_kind="topup", buyer_input=FORM, on_demand={"supplier": "makes"})
    body = shop.ordering(topup, buyer_input={"account": "733155409182"})
    order = await shop.must("create_order", "top-up", body=body)
    await watch(shop, order, "top-up in the end")
    for delivery in await shop.deliveries(order, "top-up deliveries"):
        await shop.reveal(delivery, "top-up reveal")
    await shop.pages("list_events", "feed", limit=100)


@scenario("given_up", role="gateway", phase=11, capability="on_demand", clock=True)
async def given_up(s: GatewaySession) -> None:
    """A supplier that never says what became of a unit, and one that is not there; a day goes by."""
    shop = await s.shop()
    silent = await shop.offer(on_demand={"supplier": "silent"})
    absent = await shop.offer(on_demand={"supplier": "absent"})
    asked = await shop.must("create_order", "silent", body=shop.ordering(silent))
    await shop.must("create_order", "not made yet", body=shop.ordering(absent, 3))
    other = await shop.must("create_order", "another silent", body=shop.ordering(silent))
    waiting = await shop.must("create_order", "absent", body=shop.ordering(absent, 2))
    wrong = await shop.must("create_order", "thought better of", body=shop.ordering(absent, 2))
    await s.advance(1, "a second later")  # what is due has been asked for by then
    await shop.do("cancel_order", "cancel in time", path={"order_id": wrong["id"]}, body={})
    await shop.do("cancel_order", "cancel what is asked for", path={"order_id": other["id"]}, body={})
    await s.advance(DAY, "a day later")
    await s.advance(DAY, "another day later")
    shop.token = await s.token(shop, "new token")
    await shop.do("get_order", "silent in the end", path={"order_id": asked["id"]})
    await shop.do("get_order", "absent in the end", path={"order_id": waiting["id"]})


async def watch(shop: Shop, order: Json, label: str) -> None:
    """Read the order until it waits no more, for a while."""
    for _ in range(int(timing.EVENT_PATIENCE / timing.POLL)):
        seen = await shop.do("get_order", label, path={"order_id": order["id"]})
        if seen.answer.get("status") != "fulfilling":
            return
        await asyncio.sleep(timing.POLL)
