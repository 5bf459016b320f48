"""spec/text/events.md: what is written to the outbox, in the transaction of what happened."""

from __future__ import annotations

import spec
from gateway.core import expiry, wire
from tests.core.world import World, line


async def test_an_order_is_told_of_in_its_trace(world: World) -> None:
    """EVT-002, EVT-010, TRC-004: each change, with a rising revision, in the trace of the request that caused it."""
    channel, offer = await world.channel(), await world.offer()
    order = await world.pending(channel, line(offer))
    await world.confirm(channel, order)
    first, second = await world.events(channel, "order.updated")
    assert [one.data["order"]["status"] for one in (first, second)] == ["payment_required", "fulfilled"]
    assert first.revision < second.revision
    assert first.traceparent[3:35] == order.trace_id != second.traceparent[3:35]
    for event in (first, second):
        shown = wire.render_event(event)
        assert spec.validator("Event").errors(shown) == []
        assert shown["revision"] == shown["data"]["order"]["revision"]


async def test_what_expires_is_told_of_in_the_trace_that_began_it(world: World) -> None:
    """EVT-006, TRC-004: no request ends a hold or an unpaid order, so the one that made it counts."""
    channel, offer = await world.channel(), await world.offer()
    hold, order = await world.hold(channel, offer), await world.pending(channel, line(offer))
    world.advance(1800)
    await world.run(lambda books: expiry.expire_reservation(books, world.call(), hold.id))
    await world.run(lambda books: expiry.expire_order(books, world.call(), order.id))
    [held] = await world.events(channel, "reservation.expired")
    ordered = (await world.events(channel, "order.updated"))[-1]
    assert held.traceparent[3:35] == hold.trace_id
    assert ordered.traceparent[3:35] == order.trace_id
    assert ordered.data["order"]["status"] == "expired"
    assert spec.validator("Event").errors(wire.render_event(held)) == []


async def test_only_whom_it_concerns(world: World) -> None:
    """EVT-001: orders to their channel; offers to all that see them."""
    seller, other = await world.channel(), await world.channel(events_url=None)
    shared, own = await world.offer(), await world.offer(client_id=seller.id)
    await world.order(seller, line(own))
    assert {event.type for event in await world.events(other)} == {"offer.updated"}
    assert {event.subject for event in await world.events(other)} == {shared.id}
    assert {event.subject for event in await world.events(seller, "offer.updated")} == {shared.id, own.id}


async def test_a_channel_without_an_endpoint_reads_the_feed(world: World) -> None:
    """EVT-009: its events are written all the same, and nobody tries to send them."""
    quiet, loud = await world.channel(events_url=None), await world.channel()
    await world.offer()
    assert [event.state for event in await world.events(quiet)] == ["feed_only"]
    assert [event.state for event in await world.events(loud)] == ["pending"]


async def test_an_offers_changes_are_told_of(world: World) -> None:
    """EVT-004, EVT-010: new, dearer, withdrawn, back, deleted; what is as it was is no change."""
    channel, offer = await world.channel(), await world.offer()
    dearer = {"amount": 1200, "currency": "EUR"}
    for change in (
        {"price": dearer},
        {"price": dearer},
        {"withdrawn": True},
        {"withdrawn": False},
        {"withdrawn": True},
        {"deleted": True},
    ):
        await world.update(offer, **change)
    events = await world.events(channel)
    told = [(event.type, event.revision) for event in events]
    assert told == [
        ("offer.updated", 1),
        ("offer.updated", 2),
        ("offer.withdrawn", 3),
        ("offer.updated", 4),
        ("offer.withdrawn", 5),
        ("offer.withdrawn", 6),
    ]
    assert events[1].data["offer"]["price"]["amount"] == 1200
    assert all(spec.validator("Event").errors(wire.render_event(event)) == [] for event in events)
