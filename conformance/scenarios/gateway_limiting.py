"""Stories of limits: per buyer, per channel, safety stock; and of buyers who try to lock a stock."""

from __future__ import annotations

from conformance.driver.gateway_client import GatewaySession
from conformance.driver.shop import EUR, Json, Shop, buyer, word
from conformance.model import scenario
from conformance.scenarios.gateway_waiting import due_at, until

TWO: Json = {"purchase_limit": {"quantity": 2}}


@scenario("purchase_limits", role="gateway")
async def purchase_limits(s: GatewaySession) -> None:
    """Two to a buyer: held, released, bought, refunded, cancelled."""
    shop = await s.shop()
    offer = await shop.offer(quantity=50, restrictions=TWO)
    who = buyer()
    await shop.hold(offer, "hold below limit", 1, who=who)
    hold = await shop.must("create_reservation", "hold at limit", body=shop.holding(offer, 1, who))
    await shop.hold(offer, "hold above limit", 1, who=who)
    await shop.hold(offer, "hold for another", 1)
    await shop.do("release_reservation", "release", path={"reservation_id": hold["id"]})
    await shop.hold(offer, "hold after release", 1, who=who)
    await shop.order(offer, "too many at once", 3)
    await shop.order(offer, "as many as allowed", 2)
    who = buyer()
    await shop.order(offer, "order below limit", 1, who=who)
    order = await shop.must("create_order", "order at limit", body=shop.ordering(offer, 1, who))
    await shop.order(offer, "order of one more", 1, who=who)
    at = {"order_id": order["id"]}
    lines = order.get("lines")
    line = lines[0].get("id", "none") if isinstance(lines, list) and lines else "none"
    back = {"lines": [{"line_id": line, "quantity": 1}], "reason": "buyer_request"}
    await shop.do("create_refund", "refund", path=at, body=back)
    await shop.order(offer, "order after refund", 1, who=who)
    who = buyer()
    waiting = await shop.must("create_order", "pending", body=shop.ordering(offer, 2, who, pay="pending"))
    await shop.do("cancel_order", "cancel", path={"order_id": waiting["id"]}, body={"reason": "other"})
    await shop.order(offer, "order after cancel", 2, who=who)


@scenario("channel_limits", role="gateway", phase=9)
async def channel_limits(s: GatewaySession) -> None:
    """Three through each channel, which hold and order. By itself: its offers and events are everybody's."""
    shop, other = await s.shop(), await s.shop()
    held, sold = await _open_offer(s), await _open_offer(s)
    await shop.hold(held, "hold below limit", 2)
    await shop.hold(held, "hold at limit", 1)
    await shop.hold(held, "hold above limit", 1)
    await other.hold(held, "hold of another channel", 3)
    await shop.order(sold, "order below limit", 2)
    await shop.order(sold, "order at limit", 1)
    await shop.order(sold, "order above limit", 1)
    await other.order(sold, "order of another channel", 3)


async def _open_offer(s: GatewaySession) -> Json:
    """An offer that every channel sees."""
    body = {"product_name": word("Thing"), "price": EUR, "delivery_kind": "licence", "quantity": 50}
    limit = {"restrictions": {"channel_limit": {"quantity": 3}}}
    return await s.control("test_create_offer", "offer for all", body=body | limit)


@scenario("safety_stock", role="gateway")
async def safety_stock(s: GatewaySession) -> None:
    """Five, of which two are kept back."""
    shop = await s.shop()
    few: Json = {"quantity": 5, "safety_stock": 2}
    await shop.hold(await shop.offer(**few), "hold into safety", 4)
    offer = await shop.offer(**few)
    await shop.do("get_offer", "offer before", path={"offer_id": offer["id"]})
    await shop.hold(offer, "hold beside safety", 3)
    await shop.do("get_offer", "offer with safety left", path={"offer_id": offer["id"]})
    await shop.order(await shop.offer(**few), "order into safety", 4)
    await shop.order(await shop.offer(**few), "order beside safety", 3)


@scenario("fair_shares", role="gateway")
async def fair_shares(s: GatewaySession) -> None:
    """One buyer wants to hold all of forty; then many hold most of twenty."""
    shop = await s.shop(max_open_holds=1000, max_open_holds_per_buyer=1000)
    offer = await shop.offer(quantity=40)
    greedy = buyer()
    for _ in range(10):
        seen = await shop.hold(offer, "greedy hold", 4, who=greedy)
        if seen.status != 201:
            break
    await shop.hold(offer, "somebody else", 4)
    offer = await shop.offer(quantity=20)
    await shop.hold(offer, "calm", 1, ttl_seconds=3600)
    for _ in range(9):
        await shop.hold(offer, "many", 2, ttl_seconds=3600)
    await shop.hold(offer, "pressed", 1, ttl_seconds=3600)


@scenario("late_limits", role="gateway", phase=7, clock=True)
async def late_limits(s: GatewaySession) -> None:
    """An order expires, its buyer buys all that is allowed to one, and then pays the first after all."""
    shop = await s.shop()
    offer = await shop.offer(quantity=50, restrictions=TWO)
    who = buyer()
    order = await shop.must("create_order", "pending", body=shop.ordering(offer, 2, who, pay="pending"))
    await s.advance(until(due_at(order), await s.now()))
    shop.token = await s.token(shop, "new token")
    await shop.order(offer, "bought meanwhile", 2, who=who)
    total = {"amount": 2 * EUR["amount"], "currency": "EUR"}
    await shop.do("confirm_payment", "paid late", path={"order_id": order["id"]}, body={"amount": total})
    await shop.do("get_order", "order when paid late", path={"order_id": order["id"]})


@scenario("idle_holds", role="gateway", phase=8, clock=True)
async def idle_holds(s: GatewaySession) -> None:
    """One buyer holds and lets expire, over and over; a crowd holds all of another stock, over and over."""
    shop = await s.shop(max_open_holds=10_000)
    offer, crowded = await shop.offer(quantity=40), await shop.offer(quantity=40)
    idler = buyer()
    for number in range(8):
        seen = await shop.hold(offer, "idle hold", 1, who=idler, ttl_seconds=60)
        crowd = [seen.answer] + (await _crowd(shop, crowded, number) if number < 3 else [])
        if seen.status != 201 and number >= 3:
            break
        ends = [str(hold.get("expires_at", "")) for hold in crowd]
        await s.advance(until(max(filter(None, ends), default=None), await s.now()))
        shop.token = await s.token(shop, "new token")
    await shop.hold(offer, "hold of another", 1)


async def _crowd(shop: Shop, offer: Json, number: int) -> list[Json]:
    """Eight buyers want five each of forty; then somebody orders two."""
    holds = []
    for _ in range(8):
        seen = await shop.hold(offer, f"crowd {number}", 5, ttl_seconds=60)
        holds += [dict(seen.answer)] if seen.status == 201 else []
    await shop.order(offer, f"order beside crowd {number}", 2)
    return holds
