"""After the sale, over real sockets, on both databases."""

from __future__ import annotations

from typing import Any

from tests.fixtures.gateway import RunningGateway, TestChannel, order_of


async def deliveries(shop: TestChannel, order: dict[str, Any]) -> list[dict[str, Any]]:
    """The order's deliveries."""
    return list((await shop.get(f"/orders/{order['id']}/deliveries")).json["items"])


async def test_refunds_are_made_once_and_listed(gateway: RunningGateway, shop: TestChannel) -> None:
    """ORD-025, ORD-030: a repeated request takes nothing more; the pages of the list are in order."""
    offer = await gateway.offer(codes=["A", "B", "C"])
    order = (await shop.post("/orders", order_of(offer, 3))).json
    path, line = f"/orders/{order['id']}/refunds", order["lines"][0]["id"]
    assert (await shop.get(path)).json == {"items": [], "has_more": False}
    one = {"lines": [{"line_id": line, "quantity": 1}], "reason": "buyer_request", "reference": "r-1"}
    first = await shop.post(path, one, key="k1")
    assert first.status == 201, first.body
    again = await shop.post(path, one, key="k1")
    assert (again.json, again.headers["Idempotency-Replayed"]) == (first.json, "true")
    refused = await shop.post(path, {**one, "lines": [{"line_id": line, "quantity": 3}]})
    assert (refused.status, refused.code) == (409, "exceeds_order")
    assert refused.json["errors"][0]["pointer"] == "/lines/0/quantity"
    rest = await shop.post(path, {"reason": "goods_faulty"})
    assert rest.json["amount"] == {"amount": 2000, "currency": "EUR"}
    page = (await shop.get(path, params={"limit": "1"})).json
    assert (page["items"], page["has_more"]) == ([first.json], True)
    last = (await shop.get(path, params={"limit": "1", "cursor": page["next_cursor"]})).json
    assert last == {"items": [rest.json], "has_more": False}
    now = (await shop.get(f"/orders/{order['id']}")).json
    assert (now["status"], now["refunds"]) == ("refunded", [first.json, rest.json])
    books = await gateway.stock(offer)
    assert (books["available"], books["sold"], books["voided"]) == (0, 0, 3)
    for one_delivery in await deliveries(shop, order):
        closed = await shop.post(f"/deliveries/{one_delivery['id']}/reveal")
        assert (closed.status, closed.code) == (410, "delivery_voided")


async def test_a_dead_code_is_replaced(gateway: RunningGateway, shop: TestChannel) -> None:
    """ORD-032, ORD-033: once there is another; and the goods are in the reveal only."""
    offer = await gateway.offer(codes=["dead", "good"])
    order = (await shop.post("/orders", order_of(offer))).json
    (old,) = await deliveries(shop, order)
    wish = {"delivery_id": old["id"], "reason": "The shop says that it is used"}
    made = await shop.post(f"/orders/{order['id']}/replacements", wish)
    assert (made.status, made.json["voided"]["status"]) == (201, "voided"), made.body
    assert made.json["delivery"]["replaces"] == old["id"]
    assert b"good" not in made.body
    opened = await shop.post(f"/deliveries/{made.json['delivery']['id']}/reveal")
    assert opened.json["goods"]["code"]["value"] == "good"
    wish["delivery_id"] = made.json["delivery"]["id"]
    refused = await shop.post(f"/orders/{order['id']}/replacements", wish)
    assert (refused.status, refused.code) == (409, "out_of_stock")
    assert (await shop.post(f"/deliveries/{wish['delivery_id']}/reveal")).status == 200


async def test_a_payment_is_contested(gateway: RunningGateway, shop: TestChannel) -> None:
    """ORD-034: the order says so, and a second report is refused."""
    offer = await gateway.offer(quantity=1)
    order = (await shop.post("/orders", order_of(offer))).json
    path = f"/orders/{order['id']}/disputes"
    made = await shop.post(path, {"reason": "chargeback", "evidence": "case 1"})
    assert (made.status, made.json["amount"]) == (201, order["total"]), made.body
    now = (await shop.get(f"/orders/{order['id']}")).json
    assert (now["status"], now["disputes"]) == ("disputed", [made.json])
    assert (await shop.post(path, {"reason": "other"})).code == "transition_not_allowed"


async def test_money_that_comes_late(gateway: RunningGateway, shop: TestChannel) -> None:
    """ORD-035, ORD-036: the first takes what is there, the second is told to return it."""
    offer = await gateway.offer(codes=["A"])
    waiting = []
    for _ in range(2):
        order = (await shop.post("/orders", order_of(offer, payment={"status": "pending"}))).json
        await gateway.control("/clock", {"advance_seconds": 1801})
        shop.forget_token()
        waiting.append(order)
    paid = [
        await shop.post(f"/orders/{order['id']}/payment", {"amount": order["total"]}) for order in waiting
    ]
    assert [(one.status, one.json["status"]) for one in paid] == [(200, "fulfilled"), (200, "refunded")]
    (refund,) = (await shop.get(f"/orders/{waiting[1]['id']}/refunds")).json["items"]
    assert (refund["reason"], refund["amount"]) == ("late_payment", waiting[1]["total"])
