"""Stories of events: signed, tried again, in order, apart from other channels."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from conformance import timing
from conformance.driver.callback import Callback
from conformance.driver.gateway_client import GatewaySession, settled
from conformance.driver.heartbeat import heartbeat
from conformance.driver.shop import EUR, Json, Shop, items_of
from conformance.model import scenario

REFUSED = (503, 503, 503)  # the answers to the first tries of each event


@scenario("events", role="gateway")
async def events(s: GatewaySession) -> None:
    """All that makes events, posted by Standard Webhooks, then the event feed; another channel listens too."""
    listener, stranger = await s.callback("standard_webhooks"), await s.callback("standard_webhooks")
    stranger.label = "events of a stranger"
    shop = await s.shop(callback=listener)
    await s.shop("stranger", callback=stranger)
    offer = await shop.offer(codes=s.codes(3))
    s.transcript.note("offer", offer["id"])
    order = await shop.must("create_order", "pending", body=shop.ordering(offer, 2, pay="pending"))
    s.transcript.note("order", order["id"])
    paid = {"amount": {"amount": 2 * EUR["amount"], "currency": "EUR"}}
    await shop.do("confirm_payment", "pay", path={"order_id": order["id"]}, body=paid)
    last = await shop.hold(offer, "the last one")
    at = {"reservation_id": str(last.answer.get("id", "none"))}
    await shop.do("release_reservation", "give it back", path=at)
    await s.change(offer, "price", price={"amount": 2500, "currency": "EUR"})
    await s.change(offer, "withdraw", withdrawn=True)
    await settled(lambda: _complete(listener.events()), timing.EVENT_PATIENCE)
    await shop.deliveries(order)
    await _in_feed(shop, lambda seen: len(seen) >= len(listener.events()))
    pages = await shop.pages("list_events", "event feed", 3)
    cursor = str(pages[-1].answer.get("next_cursor") or "none")
    await shop.do("list_events", "nothing new", params={"cursor": cursor})


async def _in_feed(shop: Shop, complete: Callable[[list[Json]], bool]) -> None:
    """Wait until the event feed has it all: it may follow a little behind."""
    for _ in range(int(timing.EVENT_PATIENCE / 2 / timing.POLL)):
        pages = await shop.pages("list_events", "settling", 500)
        if pages[-1].status != 200 or complete(items_of(pages)):
            return
        await asyncio.sleep(timing.POLL)


def _about(subject: object) -> Callable[[list[Json]], bool]:
    return lambda seen: any(one.get("subject") == subject for one in seen)


def _complete(seen: list[dict[str, object]]) -> bool:
    kinds = [event.get("type") for event in seen]
    wanted = ("offer.updated", "offer.withdrawn", "availability.changed", "order.updated", "delivery.ready")
    least = {"delivery.ready": 2, "order.updated": 2, "availability.changed": 2}
    return all(kinds.count(kind) >= least.get(kind, 1) for kind in wanted)


@scenario("events_signed", role="gateway")
async def events_signed(s: GatewaySession) -> None:
    """Events by HTTP Message Signatures."""
    listener = await s.callback("rfc9421")
    shop = await s.shop(callback=listener)
    offer = await shop.offer(codes=s.codes(2))
    await shop.order(offer, "order")
    await settled(lambda: listener.events("order.updated"), timing.EVENT_PATIENCE)


@scenario("events_retried", role="gateway")
async def events_retried(s: GatewaySession) -> None:
    """The channel answers 503 three times to every event."""
    listener = await s.callback("standard_webhooks", *REFUSED)
    shop = await s.shop(callback=listener)
    taken = await _ordered(shop, listener)
    async with heartbeat(s.transcript):
        await _in_feed(shop, _about(s.transcript.fact("events_retried", "order")))
        done = await settled(taken, timing.RETRY_PATIENCE)
    steady = s.transcript.fact("events_retried", "lag") <= timing.UNSTEADY
    s.transcript.note("measured", done and steady)
    await shop.pages("list_events", "event feed", 100)


async def _ordered(shop: Shop, listener: Callback) -> Callable[[], bool]:
    """Order something; whether the channel has taken the event of it."""
    order = await shop.must("create_order", "order", body=shop.ordering(await shop.offer(quantity=5)))
    shop.session.transcript.note("order", order["id"])
    return lambda: _about(order["id"])(listener.events("order.updated"))


@scenario("events_retried_late", role="gateway", phase=12, clock=True)
async def events_retried_late(s: GatewaySession) -> None:
    """The same by the sandbox's clock, where the pauses were too long to wait for or this machine was too busy.

    The clock is moved by a sixth of the pause at a time, so that pauses are known well enough to compare them.
    """
    if s.transcript.facts.get(("events_retried", "measured")):
        return
    listener = await s.callback("standard_webhooks", *REFUSED)
    taken = await _ordered(await s.shop(callback=listener), listener)
    await settled(lambda: listener.begun > 0, timing.EVENT_PATIENCE)
    moved, begun, waited = [(0.0, 0)], listener.begun, 0
    async with heartbeat(s.transcript):
        while not taken() and waited < timing.LONGEST_PAUSE:
            step = 1 + waited // 6
            moved.append((s.transcript.now(), moved[-1][1] + step))
            await s.advance(step)
            await settled(lambda: listener.begun > begun, timing.DUE)  # noqa: B023 - asked before the next turn
            waited = waited + step if listener.begun == begun else 0
            begun = listener.begun
    s.transcript.note("moved", moved)
    await s.now()  # tries count until the scenario's last request, so there is one after the last try


@scenario("events_unposted", role="gateway")
async def events_unposted(s: GatewaySession) -> None:
    """A channel without an event endpoint reads the feed."""
    shop = await s.shop()
    offer = await shop.offer(quantity=5)
    order = await shop.must("create_order", "order", body=shop.ordering(offer))
    s.transcript.note("order", order["id"])
    await _in_feed(shop, _about(order["id"]))
    await shop.pages("list_events", "event feed", 100)


@scenario("events_apart", role="gateway", phase=2)
async def events_apart(s: GatewaySession) -> None:
    """One channel takes four seconds for every event; the other must not wait for it."""
    slow, quick = (
        await s.callback("standard_webhooks", delay=timing.HANGS),
        await s.callback("standard_webhooks"),
    )
    slow.label, quick.label = "slow channel", "quick channel"
    one, two = await s.shop("slow", callback=slow), await s.shop("quick", callback=quick)
    offer, other = await one.offer(quantity=5), await two.offer(quantity=5)
    await one.order(offer, "order of the slow")
    await settled(lambda: slow.begun > 0, timing.EVENT_PATIENCE)
    s.transcript.note("begun", slow.begun)
    async with heartbeat(s.transcript):
        await two.order(other, "order of the quick")
        await settled(lambda: quick.events("order.updated"), timing.APART)
    s.transcript.note("quick", len(quick.events("order.updated")))
    slow.hurry.set()
