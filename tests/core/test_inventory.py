"""spec/text/inventory.md, over the rules alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

import spec
from gateway.core import expiry, wire
from gateway.core.model import Movement, Reservation
from gateway.core.privacy import DataUse
from tests.core.world import World, line, refused


async def test_a_hold_takes_stock_from_others(world: World) -> None:
    """INV-002, INV-003: with an expiry, and nothing is held of a hold that is refused."""
    channel, offer = await world.channel(), await world.offer(quantity=3)
    hold = await world.hold(channel, offer, 2, reference="cart-7")
    assert hold.expires_at == world.now + timedelta(seconds=600)
    shown = wire.render_reservation(hold, world.now, DataUse(hold.channel_id))
    assert spec.validator("Reservation").errors(shown) == []
    assert (shown["status"], shown["reference"], shown["trace_id"]) == ("active", "cart-7", hold.trace_id)
    error = await refused("out_of_stock", world.hold(channel, offer, 2), pointer="/quantity")
    assert error.retry_after is None
    after = await world.stock(offer)
    assert (after.available, after.reserved) == (1, 2)


@pytest.mark.parametrize(("wish", "life"), [(1, 1), (30, 30), (1800, 1800), (86400, 1800)])
async def test_the_gateway_sets_the_expiry(world: World, wish: int, life: int) -> None:
    """INV-003, INV-018: a wish is heard up to half an hour."""
    channel, offer = await world.channel(), await world.offer()
    hold = await world.hold(channel, offer, ttl_seconds=wish)
    assert hold.expires_at - world.now == timedelta(seconds=life)


async def test_a_hold_is_expired_at_the_instant(world: World) -> None:
    """INV-004, INV-005: a microsecond before it is active, at expires_at it is not."""
    channel, offer = await world.channel(), await world.offer(codes=["A"])
    hold = await world.hold(channel, offer)
    world.advance(600 - 0.000001)
    assert wire.render_reservation(hold, world.now, DataUse(hold.channel_id))["status"] == "active"
    await refused("out_of_stock", world.hold(channel, offer))
    assert not await world.run(lambda books: expiry.expire_reservation(books, world.call(), hold.id))
    world.advance(0.000001)
    assert wire.render_reservation(hold, world.now, DataUse(hold.channel_id))["status"] == "expired"
    await refused("reservation_not_active", world.extend(channel, hold))
    await refused("reservation_not_active", world.order(channel, line(offer, hold=hold)))
    assert await world.run(lambda books: expiry.expire_reservation(books, world.call(), hold.id))
    assert not await world.run(lambda books: expiry.expire_reservation(books, world.call(), hold.id))
    assert (await world.stock(offer)).available == 1
    assert [row.kind for row in await world.rows(Movement)] == ["receive", "reserve", "expire"]


async def test_nobody_is_refused_for_a_hold_that_is_over(world: World) -> None:
    """INV-004: where stock is short, what is due ends at once, whoever sweeps when."""
    channel, other, offer = await world.channel(), await world.channel(), await world.offer(quantity=3)
    await world.hold(channel, offer, 2)
    world.advance(600)
    assert (await world.hold(other, offer, 3)).status == "active"
    states = [row.status for row in await world.rows(Reservation)]
    assert sorted(states) == ["active", "expired"]
    assert (await world.stock(offer)).reserved == 3
    [event] = await world.events(channel, "reservation.expired")
    assert event.data["reservation"]["status"] == "expired"
    assert await world.events(other, "reservation.expired") == []


async def test_a_direct_order_makes_room_too(world: World) -> None:
    """INV-004: for sales as for holds, and of unpaid orders as of holds."""
    channel, offer = await world.channel(), await world.offer(codes=["A", "B"])
    await world.hold(channel, offer)
    waiting = await world.pending(channel, line(offer))
    world.advance(1800)
    assert (await world.order(channel, line(offer, 2))).status == "fulfilled"
    assert (await world.stock(offer)).sold == 2
    assert (await world.confirm(channel, waiting)).status == "refunded"


async def test_releasing_returns_the_stock_once(world: World) -> None:
    """INV-006, INV-007: the second release changes nothing and answers the hold as it is."""
    channel, offer = await world.channel(), await world.offer(quantity=2)
    hold = await world.hold(channel, offer, 2)
    released = await world.release(channel, hold)
    assert released.status == "released"
    assert await world.release(channel, hold) == released
    after = await world.stock(offer)
    assert (after.available, after.reserved) == (2, 0)


async def test_releasing_what_is_consumed_or_over_changes_nothing(world: World) -> None:
    """INV-007: also when nobody has swept yet."""
    channel, offer = await world.channel(), await world.offer(quantity=2)
    used, late = await world.hold(channel, offer), await world.hold(channel, offer)
    await world.order(channel, line(offer, hold=used))
    assert (await world.release(channel, used)).status == "consumed"
    world.advance(600)
    shown = wire.render_reservation(await world.release(channel, late), world.now, DataUse(channel.id))
    assert shown["status"] == "expired"
    assert (await world.stock(offer)).reserved == 1


async def test_extending(world: World) -> None:
    """INV-008, INV-010: three times, counted from now, and never shorter."""
    channel, offer = await world.channel(), await world.offer(quantity=1)
    hold = await world.hold(channel, offer)
    world.advance(100)
    longer = await world.extend(channel, hold)
    assert longer.expires_at == world.now + timedelta(seconds=600)
    assert (await world.extend(channel, hold, 1)).expires_at == longer.expires_at
    capped = await world.extend(channel, hold, 86400)
    assert capped.expires_at == world.now + timedelta(seconds=1800)
    await refused("extension_limit_reached", world.extend(channel, hold))


async def test_extending_what_is_not_active(world: World) -> None:
    """INV-009: released or consumed."""
    channel, offer = await world.channel(), await world.offer(quantity=2)
    released, used = await world.hold(channel, offer), await world.hold(channel, offer)
    await world.release(channel, released)
    await world.order(channel, line(offer, hold=used))
    await refused("reservation_not_active", world.extend(channel, released))
    await refused("reservation_not_active", world.extend(channel, used))


async def test_caps_are_in_units(world: World) -> None:
    """INV-011, INV-012: of one buyer, and of the channel; what ends makes room."""
    channel = await world.channel(max_open_holds=5, max_open_holds_per_buyer=3)
    offer = await world.offer()
    first = await world.hold(channel, offer, 3, "ada")
    error = await refused("hold_limit_reached", world.hold(channel, offer, 1, "ada"), pointer="/quantity")
    assert error.retry_after
    await world.hold(channel, offer, 2, "bob")
    await refused("hold_limit_reached", world.hold(channel, offer, 1, "eve"))
    other = await world.channel()
    await world.hold(other, offer, 1, "ada")
    await world.release(channel, first)
    await world.hold(channel, offer, 3, "eve")
    await world.audit()


async def test_unpaid_orders_count_as_holds(world: World) -> None:
    """INV-012: orders that nobody pays must not lock the shop either."""
    channel = await world.channel(max_open_holds_per_buyer=2)
    offer = await world.offer(quantity=9)
    hold = await world.hold(channel, offer, 2)
    order = await world.pending(channel, line(offer, 2, hold))
    await refused("hold_limit_reached", world.pending(channel, line(offer)), pointer="/lines/0/quantity")
    await world.audit()
    await world.confirm(channel, order)
    await world.audit()
    assert (await world.pending(channel, line(offer, 2))).status == "payment_required"


async def test_withdrawn_regions_and_limits(world: World) -> None:
    """INV-013, INV-016 and the offer's limit hold for holds."""
    channel = await world.channel()
    offer = await world.offer(restrictions={"regions": ["CN"], "max_per_order": 2})
    buyer = {"buyer": {"reference": "b", "region": "CN"}}
    await refused("region_not_allowed", world.hold(channel, offer), pointer="/buyer/region")
    await refused("quantity_not_allowed", world.hold(channel, offer, 3, **buyer), pointer="/quantity")
    assert (await world.hold(channel, offer, 2, **buyer)).status == "active"
    unknown = type("Unknown", (), {"id": "off_none"})()
    await refused("not_found", world.hold(channel, unknown), pointer="/offer_id")
    await world.update(offer, withdrawn=True)
    await refused("offer_withdrawn", world.hold(channel, offer, **buyer), pointer="/offer_id")


async def test_anothers_hold_looks_like_none(world: World) -> None:
    """AUT-011: the same answer as for an id that does not exist."""
    mine, theirs = await world.channel(), await world.channel()
    offer = await world.offer()
    hold = await world.hold(theirs, offer)
    none = type("Hold", (), {"id": "res_none"})()
    for attempt in (world.release, world.extend):
        there, nowhere = (
            await refused("not_found", attempt(mine, hold)),
            await refused("not_found", attempt(mine, none)),
        )
        assert (there.detail, there.errors) == (nowhere.detail, nowhere.errors)
