"""spec/text/orders.md: orders that wait for their payment, over the rules alone."""

from __future__ import annotations

import pytest

import spec
from gateway.core import expiry, wire
from gateway.core.model import Delivery, Movement, Order, Reservation
from gateway.core.privacy import DataUse
from tests.core.world import World, line, refused


async def test_a_pending_order_keeps_its_stock(world: World) -> None:
    """ORD-012, ORD-013: until it is paid, and then it is fulfilled."""
    channel, offer = await world.channel(), await world.offer(codes=["A"])
    order = await world.pending(channel, line(offer))
    assert (order.status, order.payment["status"]) == ("payment_required", "pending")
    assert order.payment["due_at"] == "2026-11-23T12:30:00.000000Z"
    assert spec.validator("Order").errors(wire.render_order(order, DataUse(order.channel_id))) == []
    assert (await world.stock(offer)).reserved == 1
    assert await world.rows(Delivery) == []
    await refused("out_of_stock", world.hold(channel, offer))
    paid = await world.confirm(channel, order)
    assert (paid.status, paid.payment["status"], paid.payment["method"]) == ("fulfilled", "collected", "card")
    assert (await world.stock(offer)).sold == 1
    assert len(await world.rows(Delivery)) == 1


async def test_a_pending_order_takes_over_its_hold(world: World) -> None:
    """ORD-009, ORD-012: the hold is consumed, its stock stays with the order."""
    channel, offer = await world.channel(), await world.offer(quantity=1)
    hold = await world.hold(channel, offer)
    order = await world.pending(channel, line(offer, hold=hold))
    await refused("reservation_not_active", world.extend(channel, hold))
    world.advance(900)  # longer than the hold would have lasted
    assert (await world.stock(offer)).reserved == 1
    assert (await world.confirm(channel, order)).status == "fulfilled"
    assert (await world.stock(offer)).sold == 1


async def test_a_waiting_orders_own_hold_is_nobodys_business(world: World) -> None:
    """The channel can neither release nor use what an order keeps."""
    channel, offer = await world.channel(), await world.offer(quantity=1)
    order = await world.pending(channel, line(offer))
    inner = type("Hold", (), {"id": order.holds[0], "unit_amount": 1000, "currency": "EUR"})()
    await refused("not_found", world.release(channel, inner))
    await refused("not_found", world.extend(channel, inner))
    await refused("not_found", world.order(channel, line(offer, hold=inner)))


@pytest.mark.parametrize(("amount", "currency"), [(1999, "EUR"), (2001, "EUR"), (2000, "USD")])
async def test_another_amount_is_refused(world: World, amount: int, currency: str) -> None:
    """ORD-014: and the order still waits."""
    channel, offer = await world.channel(), await world.offer(quantity=2)
    order = await world.pending(channel, line(offer, 2))
    await refused("amount_mismatch", world.confirm(channel, order, amount, currency), pointer="/amount")
    assert (await world.confirm(channel, order)).status == "fulfilled"


async def test_cancelling_returns_the_stock(world: World) -> None:
    """ORD-016, ORD-017: a cancelled order cannot be paid or cancelled again."""
    channel, offer = await world.channel(), await world.offer(codes=["A"])
    order = await world.pending(channel, line(offer))
    cancelled = await world.cancel(channel, order, "changed my mind")
    assert (cancelled.status, cancelled.cancellation) == ("cancelled", {"reason": "changed my mind"})
    assert cancelled.payment["status"] == "voided"
    assert spec.validator("Order").errors(wire.render_order(cancelled, DataUse(cancelled.channel_id))) == []
    assert (await world.stock(offer)).available == 1
    await refused("transition_not_allowed", world.confirm(channel, order))
    await refused("transition_not_allowed", world.cancel(channel, order))


async def test_a_fulfilled_order_cannot_be_cancelled_or_paid(world: World) -> None:
    """ORD-018: nor paid twice."""
    channel, offer = await world.channel(), await world.offer()
    order = await world.order(channel, line(offer))
    await refused("transition_not_allowed", world.cancel(channel, order))
    await refused("transition_not_allowed", world.confirm(channel, order))


async def test_an_unpaid_order_ends_at_the_instant(world: World) -> None:
    """ORD-015: at payment.due_at it cannot be cancelled any more, swept or not; then it is expired."""
    channel, offer = await world.channel(), await world.offer(quantity=20)
    order = await world.pending(channel, line(offer, 2))
    world.advance(1800 - 0.000001)
    assert not await world.run(lambda books: expiry.expire_order(books, world.call(), order.id))
    world.advance(0.000001)
    await refused("transition_not_allowed", world.cancel(channel, order))
    assert await world.run(lambda books: expiry.expire_order(books, world.call(), order.id))
    assert not await world.run(lambda books: expiry.expire_order(books, world.call(), order.id))
    assert not await world.run(lambda books: expiry.expire_order(books, world.call(), "ord_none"))
    [expired] = await world.rows(Order)
    assert (expired.status, expired.payment["status"]) == ("expired", "voided")
    assert spec.validator("Order").errors(wire.render_order(expired, DataUse(expired.channel_id))) == []
    assert (await world.stock(offer)).available == 20
    assert [row.kind for row in await world.rows(Movement)] == ["receive", "reserve", "expire"]


async def test_payment_is_due_sooner_where_much_is_held(world: World) -> None:
    """INV-027: all lines of an order at once, with the scarcest of them; five minutes at least."""
    channel, rare, plenty = (
        await world.channel(),
        await world.offer(quantity=4),
        await world.offer(quantity=99),
    )
    order = await world.pending(channel, line(plenty), line(rare, 4))
    assert order.payment["due_at"] == "2026-11-23T12:05:00.000000Z"
    assert {hold.expires_at for hold in await world.rows(Reservation)} == {order.payment_due_at}


async def test_an_unpaid_order_can_be_paid_until_then(world: World) -> None:
    """ORD-013: a microsecond before it is due is in time."""
    channel, offer = await world.channel(), await world.offer(quantity=1)
    order = await world.pending(channel, line(offer))
    world.advance(1800 - 0.000001)
    assert (await world.confirm(channel, order)).status == "fulfilled"
