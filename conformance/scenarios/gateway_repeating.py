"""Stories of the same request twice: replayed, in conflict, dropped, refused, scoped."""

from __future__ import annotations

from conformance.driver.gateway_client import GatewaySession
from conformance.driver.shop import Json, Shop, buyer, word
from conformance.model import scenario


async def _twice(
    shop: Shop, operation: str, name: str, body: Json, other: Json, path: Json | None = None
) -> Json:
    """First, again, and with another body, all with one key."""
    key = word("key")
    first = await shop.must(operation, f"{name} first", body=body, key=key, path=path)
    await shop.do(operation, f"{name} again", body=body, key=key, path=path)
    await shop.do(operation, f"{name} conflict", body=other, key=key, path=path)
    return first


@scenario("replay", role="gateway")
async def replay(s: GatewaySession) -> None:
    """The same key with the same request, for every operation that takes one; with another; without one."""
    shop = await s.shop()
    offer = await shop.offer(quantity=30)
    who = buyer()
    held = await _twice(
        shop, "create_reservation", "hold", shop.holding(offer, 1, who), shop.holding(offer, 2, who)
    )
    at = {"reservation_id": held["id"]}
    await _twice(shop, "extend_reservation", "extend", {"ttl_seconds": 900}, {"ttl_seconds": 60}, at)
    order = shop.ordering(offer, pay="pending")
    made = await _twice(shop, "create_order", "order", order, shop.ordering(offer, pay="pending"))
    at = {"order_id": made["id"]}
    paid: Json = {"amount": {"amount": 1999, "currency": "EUR"}}
    await _twice(shop, "confirm_payment", "pay", paid, paid | {"method": "cash"}, at)
    await s.stock(offer, "stock when paid")
    await shop.do(
        "create_order", "no key", body=shop.ordering(offer, pay="pending"), key="", flaw="no Idempotency-Key"
    )


@scenario("replay_ends", role="gateway")
async def replay_ends(s: GatewaySession) -> None:
    """The same for cancelling and for opening the goods."""
    shop = await s.shop()
    offer = await shop.offer(codes=s.codes(4))
    last = await shop.must("create_order", "pending", body=shop.ordering(offer, pay="pending"))
    why = {"reason": "no"}
    await _twice(shop, "cancel_order", "cancel", why, {"reason": "other"}, {"order_id": last["id"]})
    order = await shop.must("create_order", "order", body=shop.ordering(offer))
    for delivery in (await shop.deliveries(order))[:1]:
        key, at = word("key"), {"delivery_id": delivery["id"]}
        await shop.reveal(delivery, "reveal first", key=key)
        await shop.reveal(delivery, "reveal again", key=key)
        await shop.do("reveal_delivery", "reveal conflict", path=at, body={"reason": "other"}, key=key)
        await shop.deliveries(order, "deliveries after")


@scenario("dropped", role="gateway", phase=2)
async def dropped(s: GatewaySession) -> None:
    """The connection breaks before the answer; the channel asks again with the same key."""
    shop = await s.shop()
    offer = await shop.offer(quantity=10)
    body, key = shop.ordering(offer), word("key")
    fault = {"operation_id": "create_order", "count": 1, "drop_answer": True}
    await s.test("test_raise_fault", "drop the next answer", body=fault)
    await shop.do("create_order", "dropped", body=body, key=key)
    await shop.do("list_orders", "by reference", params={"reference": body["reference"]})
    await shop.do("create_order", "asked again", body=body, key=key)
    await s.stock(offer, "stock")


@scenario("key_scope", role="gateway")
async def key_scope(s: GatewaySession) -> None:
    """One key by two clients and for two operations; a key whose first request was refused."""
    shop, other = await s.shop(), await s.shop()
    mine, theirs = await shop.offer(quantity=5), await other.offer(quantity=5)
    key = word("key")
    await shop.do("create_order", "first client", body=shop.ordering(mine), key=key)
    await other.do("create_order", "second client", body=other.ordering(theirs), key=key)
    await shop.do("create_reservation", "another operation", body=shop.holding(mine), key=key)


@scenario("refused_key", role="gateway")
async def refused_key(s: GatewaySession) -> None:
    """A request is refused for want of stock; stock comes; the same request with the same key."""
    shop = await s.shop()
    codes = s.codes(2)
    offer = await shop.offer(codes=codes[:1])
    body, key = shop.ordering(offer, 2), word("key")
    await shop.do("create_order", "refused", body=body, key=key)
    await s.change(offer, "restock", add_codes=codes[1:])
    await shop.do("create_order", "after restock", body=body, key=key)
