"""What time does, in a sandbox that can move it."""

from __future__ import annotations

from tests.fixtures.gateway import RunningGateway, TestChannel, hold_of, order_of


async def test_what_is_due_has_happened_when_the_clock_answers(
    gateway: RunningGateway, shop: TestChannel
) -> None:
    """TST-007: holds and unpaid orders end, their stock is back, the events are in the feed."""
    offer = await gateway.offer(quantity=2)
    hold = (await shop.post("/reservations", hold_of(offer))).json
    order = (await shop.post("/orders", order_of(offer, payment={"status": "pending"}))).json
    assert (await gateway.control("/clock", {"advance_seconds": 100_000})).status == 200
    assert (await gateway.stock(offer))["available"] == 2
    shop.forget_token()
    assert (await shop.get(f"/reservations/{hold['id']}")).json["status"] == "expired"
    assert (await shop.get(f"/orders/{order['id']}")).json["status"] == "expired"
    events = (await shop.get("/events")).json["items"]
    assert {"reservation.expired", "order.updated"} <= {event["type"] for event in events}


async def test_an_expired_token_is_refused(gateway: RunningGateway, shop: TestChannel) -> None:
    """AUT-009, by the gateway's clock; from the cache too."""
    assert (await shop.get("/offers")).status == 200
    await gateway.control("/clock", {"advance_seconds": 601})
    answer = await shop.get("/offers")
    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert "Bearer" in answer.headers["WWW-Authenticate"]
    shop.forget_token()
    assert (await shop.get("/offers")).status == 200
