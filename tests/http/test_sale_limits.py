"""Limits over real sockets, on both databases, with many at once."""

from __future__ import annotations

import asyncio
from collections import Counter

from tests.fixtures.gateway import RunningGateway, TestChannel, hold_of, order_of


async def test_a_buyers_limit_under_a_rush(gateway: RunningGateway, shop: TestChannel) -> None:
    """INV-022, ORD-040: sixty at once of one buyer who may have four; the refusals name field and rest."""
    offer = await gateway.offer(quantity=100, restrictions={"purchase_limit": {"quantity": 4, "days": 7}})
    assert offer["restrictions"]["purchase_limit"] == {"quantity": 4, "days": 7}
    await shop.get("/orders")
    wanted = [
        shop.post("/orders", order_of(offer)) if n % 2 else shop.post("/reservations", hold_of(offer))
        for n in range(60)
    ]
    answers = await asyncio.gather(*wanted)
    assert Counter(answer.status for answer in answers) == {201: 4, 409: 56}
    fields = {(one.code, one.json["errors"][0]["pointer"]) for one in answers if one.status == 409}
    assert fields == {
        ("purchase_limit_reached", "/quantity"),
        ("purchase_limit_reached", "/lines/0/quantity"),
    }
    refused = next(one.json for one in answers if one.status == 409)
    assert "0 are left" in refused["detail"]
    books = await gateway.stock(offer)
    assert books["reserved"] + books["sold"] == 4


async def test_a_channels_limit_under_a_rush(gateway: RunningGateway, shop: TestChannel) -> None:
    """INV-024, ORD-042: sixty buyers of a channel that may sell ten, while another channel sells."""
    offer = await gateway.offer(quantity=100, restrictions={"channel_limit": {"quantity": 10}})
    other = await gateway.channel("other")
    for channel in (shop, other):
        await channel.get("/orders")
    wanted = [
        channel.post("/orders", order_of(offer, buyer={"reference": f"buyer-{n}"}))
        for n in range(60)
        for channel in (shop, other)
    ]
    answers = await asyncio.gather(*wanted)
    assert Counter(answer.status for answer in answers) == {201: 20, 409: 100}
    assert {answer.code for answer in answers if answer.status == 409} == {"channel_limit_reached"}
    assert (await gateway.stock(offer))["sold"] == 20


async def test_a_refused_limit_may_be_asked_again_under_its_key(
    gateway: RunningGateway, shop: TestChannel
) -> None:
    """IDM-010: the refusal does not use the key up; when something is given back, the same request goes through."""
    offer = await gateway.offer(quantity=9, restrictions={"purchase_limit": {"quantity": 1}})
    hold = await shop.post("/reservations", hold_of(offer))
    body = order_of(offer)
    assert (await shop.post("/orders", body, key="intent")).code == "purchase_limit_reached"
    await shop.request("DELETE", f"/reservations/{hold.json['id']}")
    assert (await shop.post("/orders", body, key="intent")).status == 201


async def test_safety_stock_is_kept_back_from_a_rush(gateway: RunningGateway, shop: TestChannel) -> None:
    """INV-020, ORD-044: forty buyers of ten codes, three of which are kept back: seven sales."""
    offer = await gateway.offer(codes=[f"CODE-{n}" for n in range(10)], safety_stock=3)
    await shop.get("/orders")
    answers = await asyncio.gather(
        *(shop.post("/orders", order_of(offer, buyer={"reference": f"b-{n}"})) for n in range(40))
    )
    assert Counter(answer.status for answer in answers) == {201: 7, 409: 33}
    shown = (await shop.get(f"/offers/{offer['id']}")).json["availability"]["status"]
    assert ((await gateway.stock(offer))["available"], shown) == (3, "out_of_stock")
