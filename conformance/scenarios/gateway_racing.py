"""Stories of many at once."""

from __future__ import annotations

import asyncio

from conformance.driver.gateway_client import GatewaySession
from conformance.driver.shop import word
from conformance.model import scenario


@scenario("oversell", role="gateway")
async def oversell(s: GatewaySession) -> None:
    """Thirty buyers at once on seven units: half of them hold, half order, while the books are read."""
    shop = await s.shop()
    offer = await shop.offer(quantity=7)

    async def books() -> None:
        for number in range(5):
            await s.stock(offer, f"stock meanwhile {number}")

    async with asyncio.TaskGroup() as together:
        together.create_task(books())
        for number in range(30):
            buy = shop.hold if number % 2 else shop.order
            together.create_task(buy(offer, "rush"))
    await s.stock(offer, "stock after the rush")


@scenario("codes_once", role="gateway")
async def codes_once(s: GatewaySession) -> None:
    """Fifteen buyers at once on six codes, then all codes that went out."""
    shop = await s.shop()
    codes = s.codes(6)
    offer = await shop.offer(codes=codes)
    s.transcript.note("codes", codes)
    async with asyncio.TaskGroup() as together:
        tries = [together.create_task(shop.order(offer, "rush")) for _ in range(15)]
    for order in (t.result().answer for t in tries if t.result().status == 201):
        for delivery in await shop.deliveries(order) if "id" in order else []:
            await shop.reveal(delivery)
    await s.stock(offer, "stock after the rush")


@scenario("same_key", role="gateway")
async def same_key(s: GatewaySession) -> None:
    """Eight times the same order with the same key at once, and the same again afterwards."""
    shop = await s.shop()
    offer = await shop.offer(quantity=20)
    body, key = shop.ordering(offer), word("key")
    async with asyncio.TaskGroup() as together:
        for _ in range(8):
            together.create_task(shop.do("create_order", "at once", body=body, key=key))
    await shop.do("create_order", "afterwards", body=body, key=key)
    await s.stock(offer, "stock")


@scenario("books", role="gateway")
async def books(s: GatewaySession) -> None:
    """Every kind of movement, with the books read after each."""
    shop = await s.shop()
    codes = s.codes(8)
    offer = await shop.offer(codes=codes[:6])
    await s.stock(offer, "6 received")
    hold = await shop.must("create_reservation", "hold", body=shop.holding(offer, 2))
    await s.stock(offer, "2 held")
    await shop.order(offer, "order")
    await s.stock(offer, "1 sold")
    await s.change(offer, "void", void_available=1)
    await s.stock(offer, "1 voided")
    await s.change(offer, "add", add_codes=codes[6:])
    await s.stock(offer, "2 added")
    body = shop.ordering(offer, 2, hold.get("buyer"), reservation_id=hold["id"])
    await shop.do("create_order", "order the held", body=body)
    await s.stock(offer, "2 more sold")
    pending = await shop.must("create_order", "pending", body=shop.ordering(offer, 3, pay="pending"))
    await s.stock(offer, "3 pending")
    await shop.do("cancel_order", "cancel", path={"order_id": pending["id"]}, body={})
    await s.stock(offer, "3 back")
