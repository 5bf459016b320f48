"""Goods made on demand, over real sockets, on both databases, by the sandbox's own suppliers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.fixtures.gateway import RunningGateway, TestChannel, order_of


async def bought(
    gateway: RunningGateway, shop: TestChannel, supplier: str, quantity: int = 1
) -> dict[str, Any]:
    """A paid order of goods that this supplier makes."""
    offer = await gateway.offer(delivery_kind="code", on_demand={"supplier": supplier})
    assert offer["availability"] == {"status": "in_stock"}
    made = await shop.post("/orders", order_of(offer, quantity))
    assert (made.status, made.json["status"]) == (201, "fulfilling")
    return dict(made.json)


async def ended(shop: TestChannel, order: dict[str, Any]) -> dict[str, Any]:
    """The order, once it waits no more."""
    async with asyncio.timeout(15):
        while (now := (await shop.get(f"/orders/{order['id']}")).json)["status"] == "fulfilling":
            await asyncio.sleep(0.05)
    return dict(now)


@pytest.mark.parametrize(
    ("supplier", "status", "delivered", "refunded"),
    [
        ("makes", "fulfilled", 2, 0),
        ("refuses", "fulfilment_failed", 0, 2),
        ("alternates", "partially_refunded", 1, 1),
        ("forgetful", "fulfilled", 2, 0),
    ],
)
async def test_the_end_of_an_order(
    gateway: RunningGateway, shop: TestChannel, supplier: str, status: str, delivered: int, refunded: int
) -> None:
    """ORD-051 to ORD-053: by polling, and by the event feed in which the end is told once."""
    order = await bought(gateway, shop, supplier, 2)
    now = await ended(shop, order)
    assert now["status"] == status
    assert sum(one["lines"][0]["quantity"] for one in now.get("refunds", [])) == refunded
    found = (await shop.get(f"/orders/{order['id']}/deliveries")).json["items"]
    goods = {
        (await shop.post(f"/deliveries/{one['id']}/reveal")).json["goods"]["code"]["value"] for one in found
    }
    assert len(found) == len(goods) == delivered
    feed = (await shop.get("/events")).json["items"]
    told = [one["data"]["order"]["status"] for one in feed if one["subject"] == order["id"]]
    assert told == ["fulfilling", status]
    assert sum(one["type"] == "delivery.ready" for one in feed) == delivered


async def test_a_day_goes_by(gateway: RunningGateway, shop: TestChannel) -> None:
    """ORD-054, ORD-055: what may be made waits for the merchant; what nobody could be asked for is refunded."""
    silent, absent = await bought(gateway, shop, "silent"), await bought(gateway, shop, "absent")
    await gateway.control("/clock", {"advance_seconds": 2})
    await gateway.control("/clock", {"advance_seconds": 86_400})
    shop.forget_token()
    waits = (await shop.get(f"/orders/{silent['id']}")).json
    assert (waits["status"], waits.get("refunds")) == ("fulfilling", None)
    assert (await ended(shop, absent))["status"] == "fulfilment_failed"
    late = await shop.post(f"/orders/{silent['id']}/cancel")
    assert (late.status, late.code) == (409, "transition_not_allowed")


async def test_cancelled_once(gateway: RunningGateway, shop: TestChannel) -> None:
    """ORD-056: a repeated cancellation is answered again, and refunds nothing more."""
    order = await bought(gateway, shop, "absent", 3)
    first = await shop.post(f"/orders/{order['id']}/cancel", {"reason": "too slow"}, key="k")
    again = await shop.post(f"/orders/{order['id']}/cancel", {"reason": "too slow"}, key="k")
    assert (first.status, first.json["status"], first.json["cancellation"]) == (
        200,
        "cancelled",
        {"reason": "too slow"},
    )
    assert first.json["refunds"][0]["instruction"]["amount"] == {"amount": 3000, "currency": "EUR"}
    assert (again.json, again.headers["Idempotency-Replayed"]) == (first.json, "true")
    assert (await shop.get(f"/orders/{order['id']}/refunds")).json["items"] == first.json["refunds"]


async def test_bad_input_changes_nothing(gateway: RunningGateway, shop: TestChannel) -> None:
    """ORD-007: each field that is wrong is named, and what was typed is not repeated."""
    form = {
        "type": "object",
        "required": ["account", "server"],
        "properties": {
            "account": {"type": "string", "pattern": "^[0-9]{6,12}$"},
            "server": {"enum": ["eu", "us"]},
        },
    }
    topup = await gateway.offer(delivery_kind="topup", buyer_input=form, on_demand={"supplier": "makes"})
    body = order_of(topup)
    body["lines"][0]["buyer_input"] = {"account": "my-secret-account", "server": "moon"}
    refused = await shop.post("/orders", body)
    assert (refused.status, refused.code) == (422, "buyer_input_invalid")
    assert {one["pointer"] for one in refused.json["errors"]} == {
        "/lines/0/buyer_input/account",
        "/lines/0/buyer_input/server",
    }
    assert b"my-secret-account" not in refused.body
    assert (await shop.get("/orders")).json["items"] == []
    assert (await gateway.stock(topup))["received"] == 0


async def test_reset_in_between(gateway: RunningGateway, shop: TestChannel) -> None:
    """A sandbox that forgets while goods are being made goes on."""
    await bought(gateway, shop, "silent", 5)
    await gateway.control("/reset")
    shop.forget_token()
    again = await bought(gateway, shop, "makes")
    assert (await ended(shop, again))["status"] == "fulfilled"


@pytest.mark.parametrize("members", [{"quantity": 1}, {"codes": ["A"]}])
async def test_an_offer_that_cannot_be(gateway: RunningGateway, members: dict[str, Any]) -> None:
    """What is made on demand has no stock."""
    body = {"product_name": "X", "price": {"amount": 1, "currency": "EUR"}, "delivery_kind": "code",
            "on_demand": {"supplier": "makes"}, **members}  # fmt: skip
    refused = await gateway.control("/offers", body)
    assert (refused.status, refused.code, refused.json["errors"][0]["pointer"]) == (
        422,
        "invalid",
        "/on_demand",
    )
