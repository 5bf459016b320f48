"""Whole purchases over real sockets, on both databases."""

from __future__ import annotations

import asyncio
from collections import Counter

from tests.fixtures.gateway import RunningGateway, TestChannel, hold_of, order_of


async def reveal(shop: TestChannel, order_id: str) -> list[str]:
    """All codes of an order."""
    listed = await shop.get(f"/orders/{order_id}/deliveries")
    assert listed.status == 200, listed.body
    opened = [await shop.post(f"/deliveries/{item['id']}/reveal") for item in listed.json["items"]]
    return [answer.json["goods"]["code"]["value"] for answer in opened]


async def test_a_paid_order_is_fulfilled_in_one_call(gateway: RunningGateway, shop: TestChannel) -> None:
    """ORD-001, and the code comes byte for byte (CNV-008)."""
    offer = await gateway.offer(codes=[" ÄÖ\t中–1 "])
    order = await shop.post("/orders", order_of(offer))
    assert (order.status, order.json["status"]) == (201, "fulfilled"), order.body
    assert await reveal(shop, order.json["id"]) == [" ÄÖ\t中–1 "]
    assert (await shop.get(f"/orders/{order.json['id']}")).json == order.json


async def test_an_order_from_a_hold(gateway: RunningGateway, shop: TestChannel) -> None:
    """Hold, extend, order; the hold is used up (ORD-009)."""
    offer = await gateway.offer(codes=["one", "two"])
    hold = await shop.post("/reservations", hold_of(offer))
    assert hold.status == 201, hold.body
    extended = await shop.post(f"/reservations/{hold.json['id']}/extend", {"ttl_seconds": 900})
    assert extended.json["expires_at"] > hold.json["expires_at"]
    body = order_of(offer, buyer={"reference": "buyer-1"})
    body["lines"][0]["reservation_id"] = hold.json["id"]
    order = await shop.post("/orders", body)
    assert order.json["status"] == "fulfilled", order.body
    assert (await shop.get(f"/reservations/{hold.json['id']}")).json["status"] == "consumed"
    books = await gateway.stock(offer)
    assert (books["available"], books["reserved"], books["sold"]) == (1, 0, 1)


async def test_a_pending_order_is_paid_later(gateway: RunningGateway, shop: TestChannel) -> None:
    """ORD-012, ORD-013."""
    offer = await gateway.offer(codes=["later"])
    pending = await shop.post("/orders", order_of(offer, payment={"status": "pending"}))
    assert pending.json["status"] == "payment_required", pending.body
    order_id = pending.json["id"]
    assert (await shop.get(f"/orders/{order_id}/deliveries")).json["items"] == []
    paid = await shop.post(f"/orders/{order_id}/payment", {"amount": pending.json["total"]})
    assert (paid.status, paid.json["status"]) == (200, "fulfilled"), paid.body
    assert await reveal(shop, order_id) == ["later"]


async def test_a_pending_order_is_cancelled(gateway: RunningGateway, shop: TestChannel) -> None:
    """ORD-017: the stock is for sale again."""
    offer = await gateway.offer(codes=["back"])
    pending = await shop.post("/orders", order_of(offer, payment={"status": "pending"}))
    cancelled = await shop.post(f"/orders/{pending.json['id']}/cancel", {"reason": "changed her mind"})
    assert (cancelled.status, cancelled.json["status"]) == (200, "cancelled")
    assert (await shop.post("/orders", order_of(offer))).status == 201


async def test_a_released_hold_and_a_body_left_out(gateway: RunningGateway, shop: TestChannel) -> None:
    """INV-006, INV-007; an optional body may be absent altogether."""
    offer = await gateway.offer(quantity=1)
    hold = (await shop.post("/reservations", hold_of(offer))).json
    for _ in range(2):
        released = await shop.request("DELETE", f"/reservations/{hold['id']}")
        assert (released.status, released.json["status"]) == (200, "released")
    pending = (await shop.post("/orders", order_of(offer, payment={"status": "pending"}))).json
    answer = await shop.request("POST", f"/orders/{pending['id']}/cancel", headers={"Idempotency-Key": "k"})
    assert (answer.status, answer.json["status"]) == (200, "cancelled"), answer.body


async def test_a_hundred_buyers_want_ten_codes(gateway: RunningGateway, shop: TestChannel) -> None:
    """Ten sales, ninety clear refusals, each code once, and the books balance (INV-001, DLV-002)."""
    codes = [f"CODE-{number}" for number in range(10)]
    offer = await gateway.offer(codes=codes)
    await shop.get("/orders")
    wanted = [
        shop.post("/orders", order_of(offer, buyer={"reference": f"buyer-{number}"})) for number in range(100)
    ]
    answers = await asyncio.gather(*wanted)
    assert Counter(answer.status for answer in answers) == {201: 10, 409: 90}
    assert {answer.code for answer in answers if answer.status == 409} == {"out_of_stock"}
    sold = [await reveal(shop, answer.json["id"]) for answer in answers if answer.status == 201]
    assert sorted(code for (code,) in sold) == sorted(codes)
    books = await gateway.stock(offer)
    assert (books["received"], books["available"], books["sold"]) == (10, 0, 10)


async def test_feeds_and_lists_are_walked_by_cursor(gateway: RunningGateway, shop: TestChannel) -> None:
    """CNV-005: each item once, in small pages."""
    made = [(await gateway.offer(quantity=5))["id"] for _ in range(5)]
    orders = []
    for offer_id in made:
        offer = (await shop.get(f"/offers/{offer_id}")).json
        orders.append((await shop.post("/orders", order_of(offer))).json["id"])
    assert await walk(shop, "/orders", "id") == orders[::-1]
    seen = await walk(shop, "/offers", "offer_id")
    assert set(seen) == set(made)


async def walk(shop: TestChannel, path: str, member: str) -> list[str]:
    """A member of all items, two a page."""
    found: list[str] = []
    params: dict[str, str | int] = {"limit": 2}
    for _ in range(50):
        page = (await shop.get(path, params=params)).json
        found += [item[member] for item in page["items"]]
        if not page["has_more"]:
            return found
        params["cursor"] = page["next_cursor"]
    raise AssertionError("the list never ends")


async def test_a_tombstone_and_a_change_come_after_the_cursor(
    gateway: RunningGateway, shop: TestChannel
) -> None:
    """CAT-002 to CAT-005."""
    offer = await gateway.offer(quantity=5)
    cursor = (await shop.get("/offers")).json["next_cursor"]
    assert (await shop.get("/offers", params={"cursor": cursor})).json["items"] == []
    await gateway.control(f"/offers/{offer['id']}", {"price": {"amount": 1, "currency": "EUR"}})
    page = (await shop.get("/offers", params={"cursor": cursor})).json
    (entry,) = page["items"]
    assert (entry["revision"], entry["offer"]["price"]["amount"]) == (2, 1)
    await gateway.control(f"/offers/{offer['id']}", {"deleted": True})
    (entry,) = (await shop.get("/offers", params={"cursor": page["next_cursor"]})).json["items"]
    assert (entry["deleted"], "offer" in entry) == (True, False)
    assert (await shop.get(f"/offers/{offer['id']}")).code == "not_found"


async def test_reset_forgets_trade_and_keeps_channels(gateway: RunningGateway, shop: TestChannel) -> None:
    """A channel that was registered can go on; nothing else is left."""
    offer = await gateway.offer(quantity=5)
    await shop.post("/orders", order_of(offer))
    assert (await gateway.control("/reset")).status == 204
    for path in ("/orders", "/offers", "/reservations", "/events"):
        assert (await shop.get(path)).json["items"] == []
