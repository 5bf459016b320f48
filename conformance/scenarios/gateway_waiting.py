"""Stories in which the sandbox's clock is advanced. One after the other: the clock is everybody's."""

from __future__ import annotations

import asyncio
import math
from datetime import datetime

from conformance import timing
from conformance.driver.gateway_client import GatewaySession, settled
from conformance.driver.shop import EUR, Json, word
from conformance.model import AbortedError, scenario


def until(when: object, now: datetime) -> int:
    """Seconds until a moment of the wire has passed; raises AbortedError when it is none."""
    try:
        return max(0, math.ceil((datetime.fromisoformat(str(when)) - now).total_seconds()) + 2)
    except (ValueError, TypeError) as error:
        raise AbortedError(f"{when!r} is no time to wait for") from error


def due_at(order: Json) -> object:
    """When a pending order is to be paid; None where it does not say."""
    payment = order.get("payment")
    return payment.get("due_at") if isinstance(payment, dict) else None


async def _back(s: GatewaySession, offer: Json, label: str, reserved: int) -> None:
    """Read the books until no more than `reserved` units are held, for a while."""
    for _ in range(int(timing.BACK / timing.POLL)):
        books = await s.stock(offer, label)
        held = books.get("reserved")
        if not isinstance(held, int) or held <= reserved:
            return
        await asyncio.sleep(timing.POLL)


@scenario("hold_expires", role="gateway", phase=3, clock=True)
async def hold_expires(s: GatewaySession) -> None:
    """A hold's time runs out."""
    listener = await s.callback("standard_webhooks")
    shop = await s.shop(callback=listener)
    offer = await shop.offer(quantity=10)
    hold = await shop.must("create_reservation", "hold", body=shop.holding(offer, 2, ttl_seconds=300))
    at = {"reservation_id": hold["id"]}
    await s.stock(offer, "stock while held")
    await s.advance(until(hold.get("expires_at"), await s.now()))
    await s.stock(offer, "stock at once")
    await _back(s, offer, "stock after expiry", 0)
    shop.token = await s.token(shop, "new token")
    await shop.do("get_reservation", "hold after expiry", path=at)
    await shop.do("extend_reservation", "extend expired", path=at, body={})
    body = shop.ordering(offer, 2, hold.get("buyer"), reservation_id=hold["id"])
    await shop.do("create_order", "order from expired", body=body)
    await settled(lambda: listener.events("reservation.expired"), timing.EVENT_PATIENCE / 2)


@scenario("order_expires", role="gateway", phase=4, clock=True)
async def order_expires(s: GatewaySession) -> None:
    """A pending order is not paid in time."""
    shop = await s.shop()
    offer = await shop.offer(quantity=10)
    order = await shop.must("create_order", "pending", body=shop.ordering(offer, 3, pay="pending"))
    last = await shop.offer(quantity=1)
    rare = await shop.must("create_order", "pending the last", body=shop.ordering(last, pay="pending"))
    at = {"order_id": order["id"]}
    await s.stock(offer, "stock while pending")
    now = await s.now()
    await s.advance(max(until(due_at(one), now) for one in (order, rare)))
    await s.stock(offer, "stock at once")
    await _back(s, offer, "stock after due", 0)
    shop.token = await s.token(shop, "new token")
    await shop.do("get_order", "order after due", path=at)
    await shop.do("cancel_order", "cancelled too late", path=at, body={})
    await shop.do("get_order", "order at the end", path=at)
    paid = {"amount": {"amount": 3 * EUR["amount"], "currency": "EUR"}}
    await shop.do("confirm_payment", "paid late", path=at, body=paid)
    await s.stock(offer, "stock when paid late")
    await shop.order(last, "sold meanwhile")
    at = {"order_id": rare["id"]}
    await shop.do("confirm_payment", "paid when gone", path=at, body={"amount": EUR})
    await shop.do("get_order", "order when gone", path=at)
    await shop.do("list_refunds", "refunds when gone", path=at)
    await shop.pages("list_events", "event feed", 100)


@scenario("token_expires", role="gateway", phase=5, clock=True)
async def token_expires(s: GatewaySession) -> None:
    """A token's time runs out."""
    shop = await s.shop()
    form = {"grant_type": "client_credentials", "client_id": shop.id, "client_secret": shop.secret}
    seen = await s.grant(form, "token")
    token, life = str(seen.answer.get("access_token", "")), seen.answer.get("expires_in")
    await shop.do("list_offers", "good token", token=token)
    await s.advance((life if isinstance(life, int) else 3600) + 30)
    await shop.do("list_offers", "expired token", token=token)
    shop.token = await s.token(shop, "new token")
    await shop.do("list_offers", "new token")


@scenario("week", role="gateway", phase=6, clock=True)
async def week(s: GatewaySession) -> None:
    """An hour short of seven days later the same key comes again."""
    shop = await s.shop()
    offer = await shop.offer(quantity=5)
    body, key = shop.ordering(offer), word("key")
    await shop.do("create_order", "first", body=body, key=key)
    await s.advance(timing.KEYS_KEPT.seconds - 3600)
    shop.token = await s.token(shop, "new token")
    await shop.do("create_order", "a week later", body=body, key=key)
