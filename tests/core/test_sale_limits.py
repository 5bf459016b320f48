"""Purchase limits, channel limits and safety stock, over the rules alone and on both databases."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from gateway.core import aftersale, catalog, expiry, stock, wire
from gateway.core.errors import ProtocolError
from gateway.core.model import Channel, Delivery, Offer, Order
from gateway.core.model_limits import SaleCount
from gateway.storage.audit import audit
from tests.core.stores import DatabaseStore
from tests.core.world import World, line, refused

DAY = 86_400


def limit(quantity: int, days: int | None = None, name: str = "purchase_limit") -> dict[str, Any]:
    """Members of an offer that is limited so."""
    period = {"days": days} if days else {}
    return {"quantity": 50, "restrictions": {name: {"quantity": quantity, **period}}}


async def counted(world: World) -> list[int]:
    """What stands in the counts, each of them the sum of its days."""
    rows = await world.rows(SaleCount)
    assert isinstance(world.store, DatabaseStore)
    assert await audit(world.store.engine) == []
    assert all(row.quantity == sum(row.days.values()) for row in rows)
    return [row.quantity for row in rows]


async def test_holds_and_orders_share_a_limit(world: World) -> None:
    """INV-022, ORD-040, ORD-041: held and bought together, by buyer; the refusal says what is left."""
    channel, offer = await world.channel(), await world.offer(**limit(3))
    hold = await world.hold(channel, offer, 2)
    error = await refused("purchase_limit_reached", world.hold(channel, offer, 2), "/quantity")
    assert "1 are left" in error.detail
    await refused("purchase_limit_reached", world.order(channel, line(offer, 2)), "/lines/0/quantity")
    await world.order(channel, line(offer, 1))
    await world.order(channel, line(offer, 2, hold))
    await refused("purchase_limit_reached", world.order(channel, line(offer, 1)))
    await world.order(channel, line(offer, 3), buyer={"reference": "b2"})
    await world.hold(await world.channel(), offer, 3)
    assert await counted(world) == [3, 3, 3]


async def test_lines_of_one_order_count_together(world: World) -> None:
    """ORD-040: two lines of the same product, or two offers of it."""
    channel, offer = await world.channel(), await world.offer(**limit(3))
    lines = (line(offer, 2), line(offer, 2))
    await refused("purchase_limit_reached", world.order(channel, *lines), "/lines/1/quantity")
    assert await counted(world) == []


@pytest.mark.parametrize("way", ["release", "expire", "cancel", "unpaid", "refund", "dispute"])
async def test_what_is_given_back_counts_no_more(world: World, way: str) -> None:
    """INV-023, ORD-041, ORD-043: whatever ended it."""
    channel, offer = await world.channel(), await world.offer(**limit(2))
    await _come_and_go(world, channel, offer, way)
    assert await counted(world) == [0]
    await world.order(channel, line(offer, 2))
    await refused("purchase_limit_reached", world.order(channel, line(offer, 1)))


async def _come_and_go(world: World, channel: Channel, offer: Offer, way: str) -> None:
    if way in ("release", "expire"):
        hold = await world.hold(channel, offer, 2)
        if way == "release":
            await world.release(channel, hold)
            return
        world.advance(601)
        await world.run(lambda books: expiry.expire_reservation(books, world.call(), hold.id))
        return
    if way in ("cancel", "unpaid"):
        order = await world.pending(channel, line(offer, 2))
        if way == "cancel":
            await world.cancel(channel, order)
            return
        world.advance(1801)
        await world.run(lambda books: expiry.expire_order(books, world.call(), order.id))
        return
    order = await world.order(channel, line(offer, 2))
    if way == "refund":
        await world.refund(channel, order, (order.lines[0]["id"], 1))
        assert await counted(world) == [1]
        await world.refund(channel, order)
        return
    await world.dispute(channel, order)
    await world.resolve(order, refund=True)


async def test_a_pending_order_from_a_hold_counts_once(world: World) -> None:
    """The hold's units are the order's when it takes them over, and its delivery's when it is paid."""
    channel, offer = await world.channel(), await world.offer(**limit(2))
    hold = await world.hold(channel, offer, 2)
    order = await world.pending(channel, line(offer, 2, hold))
    assert await counted(world) == [2]
    paid = await world.confirm(channel, order)
    assert (paid.status, await counted(world)) == ("fulfilled", [2])
    await world.refund(channel, paid)
    assert await counted(world) == [0]


async def test_a_period_rolls_by_days(world: World) -> None:
    """Two in three days, from midnight UTC: what was bought the day before yesterday counts, what is older does not."""
    channel, offer = await world.channel(), await world.offer(**limit(2, days=3))
    first = await world.order(channel, line(offer, 1))
    world.advance(DAY)
    await world.order(channel, line(offer, 1))
    world.advance(DAY)
    await refused("purchase_limit_reached", world.order(channel, line(offer, 1)))
    world.advance(DAY / 2)  # it was noon at first, so the third midnight has come
    await world.order(channel, line(offer, 1))
    await refused("purchase_limit_reached", world.order(channel, line(offer, 1)))
    await world.refund(channel, first)  # it does not count any more, so nothing is given back
    await refused("purchase_limit_reached", world.order(channel, line(offer, 1)))
    assert await counted(world) == [2]


async def test_a_limit_that_comes_later_takes_back_nothing_it_did_not_count(world: World) -> None:
    """What was bought before there was a limit does not count, nor does its refund."""
    channel, offer = await world.channel(), await world.offer(quantity=50)
    before = await world.order(channel, line(offer, 2))
    await change(world, offer, restrictions={"purchase_limit": {"quantity": 2}})
    after = await world.order(channel, line(offer, 2))
    await world.refund(channel, before)
    await refused("purchase_limit_reached", world.order(channel, line(offer, 1)))
    await change(world, offer, restrictions=None)
    await world.refund(channel, after)  # without a limit by now, and given back all the same
    assert await counted(world) == [0]


async def change(world: World, offer: Offer, **changes: Any) -> Offer:
    """The merchant changes an offer."""
    return await world.run(lambda books: catalog.change_offer(books, world.call(), offer.id, changes))


async def test_each_channel_has_its_own_limit(world: World) -> None:
    """INV-024, ORD-042: the offer's, or the one that the merchant has set for it; each is shown its own."""
    one, two = await world.channel(), await world.channel()
    offer = await world.offer(**limit(3, days=1, name="channel_limit"))
    offer = await change(world, offer, channel_limits={two.id: {"quantity": 1}})
    assert wire.render_offer(offer, one.id)["restrictions"]["channel_limit"] == {"quantity": 3, "days": 1}
    assert wire.render_offer(offer, two.id)["restrictions"]["channel_limit"] == {"quantity": 1}
    for channel, most in ((one, 3), (two, 1)):
        told = (await world.events(channel, "offer.updated"))[-1].data["offer"]
        assert told == wire.render_offer(offer, channel.id)
        await world.order(channel, line(offer, most), buyer={"reference": "any"})
        await refused("channel_limit_reached", world.hold(channel, offer, 1, "other"), "/quantity")
    world.advance(DAY)
    await world.order(one, line(offer, 3))
    await refused("channel_limit_reached", world.order(two, line(offer, 1)))


async def test_a_late_payment_does_not_break_a_limit(world: World) -> None:
    """ORD-035, ORD-045: fulfilled and counted anew while the limit allows, else the money goes back."""
    channel, offer = await world.channel(), await world.offer(**limit(2))
    order = await world.pending(channel, line(offer, 1), line(offer, 1))
    world.advance(1801)
    assert (await world.confirm(channel, order)).status == "fulfilled"
    assert await counted(world) == [2]
    late = await world.pending(channel, line(offer, 2), buyer={"reference": "b2"})
    world.advance(1801)
    await world.run(lambda books: expiry.expire_order(books, world.call(), late.id))
    await world.order(channel, line(offer, 1), buyer={"reference": "b2"})
    assert (await world.confirm(channel, late)).status == "refunded"
    assert await counted(world) == [2, 1]


async def test_a_limit_is_exact_under_a_rush(world: World) -> None:
    """Forty at once, holds and orders, of one buyer who may have three: three, and thirty-seven clear refusals."""
    channel, offer = await world.channel(), await world.offer(**limit(3))
    wanted = [world.hold(channel, offer) if n % 2 else world.order(channel, line(offer)) for n in range(40)]
    outcomes = await asyncio.gather(*wanted, return_exceptions=True)
    refusals = Counter(one.code for one in outcomes if isinstance(one, ProtocolError))
    assert refusals == {"purchase_limit_reached": 37}
    assert await counted(world) == [3]


async def test_safety_stock_is_not_on_sale(world: World) -> None:
    """INV-020, INV-021, ORD-044: held, sold and shown is what is available without it; the counters stay."""
    channel, offer = await world.channel(), await world.offer(codes=list("ABCDE"), safety_stock=2)
    await refused("out_of_stock", world.hold(channel, offer, 4), "/quantity")
    await refused("out_of_stock", world.order(channel, line(offer, 4)), "/lines/0/quantity")
    await world.order(channel, line(offer, 3))
    kept = await world.stock(offer)
    assert (kept.available, stock.on_sale(kept), stock.availability(kept)) == (2, 0, "out_of_stock")
    assert (await offer_now(world, offer)).availability == "out_of_stock"


async def offer_now(world: World, offer: Offer) -> Offer:
    """The offer as it is now."""
    return next(row for row in await world.rows(Offer) if row.id == offer.id)


async def test_safety_stock_replaces_and_serves_late_payments(world: World) -> None:
    """ORD-046: what it is for."""
    channel, offer = await world.channel(), await world.offer(codes=list("ABCD"), safety_stock=2)
    late = await world.pending(channel, line(offer, 1))
    world.advance(1801)
    order = await world.order(channel, line(offer, 2))
    first = (await world.rows(Delivery))[0]
    old, new = await world.replace(channel, order, first.id)
    assert (old.status, new.replaces) == ("voided", first.id)
    assert (await world.confirm(channel, late)).status == "fulfilled"
    assert (await world.stock(offer)).available == 0
    with pytest.raises(ProtocolError, match="out_of_stock"):
        await world.run(
            lambda books: aftersale.create_replacement(
                books, world.vault, world.call(channel.id), order.id, new.id
            )
        )


async def test_levels_change_what_is_shown(world: World) -> None:
    """A merchant raises and lowers the safety stock; the channels are told (EVT-005), and once."""
    channel, offer = await world.channel(), await world.offer(quantity=10)
    for safety, shown in ((10, "out_of_stock"), (10, "out_of_stock"), (6, "low_stock"), (0, "in_stock")):
        await world.run(
            lambda books, safety=safety: stock.set_levels(books, world.call(), offer.stock_id, safety=safety)
        )
        assert (await offer_now(world, offer)).availability == shown
    assert len(await world.events(channel, "availability.changed")) == 3
    assert (await world.stock(offer)).available == 10


async def test_offers_without_limits_pay_nothing(world: World) -> None:
    """No count is kept for them."""
    channel, offer = await world.channel(), await world.offer(quantity=10)
    order = await world.order(channel, line(offer, 2))
    hold = await world.hold(channel, offer)
    assert (await world.rows(SaleCount), order.counted, hold.counted) == ([], None, None)
    assert (await world.rows(Order))[0].counted is None


async def test_the_audit_finds_a_wrong_count(world: World) -> None:
    """A unit too many, a unit too few, and a count that is gone."""
    assert isinstance(world.store, DatabaseStore)
    channel, offer = await world.channel(), await world.offer(**limit(5))
    await world.order(channel, line(offer, 2))
    [right] = await world.rows(SaleCount)
    for units in (3, 1):
        wrong = replace(right, quantity=units, days={"0": units})
        await world.run(lambda books, wrong=wrong: books.put(wrong))
        [found] = await audit(world.store.engine)
        assert (found.what, found.expected, found.found) == ("units that count against its limit", 2, units)
    await world.run(lambda books: books.put(right))
    assert await audit(world.store.engine) == []
