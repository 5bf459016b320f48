"""Stock: every movement is a row, and availability shows (INV-015, CAT-006, EVT-005)."""

from __future__ import annotations

from dataclasses import replace

import pytest

import spec
from gateway.core import stock, wire
from gateway.core.model import Channel, Movement, Offer, Stock, Unit
from tests.core.world import World, line, refused


def test_no_movement_can_unbalance_the_books() -> None:
    """INV-015: what is received equals what is added to the other four, for each kind of movement."""
    for effects in stock.EFFECTS.values():
        others = sum(sign for name, sign in effects.items() if name != "received")
        assert effects.get("received", 0) == others


async def test_codes_are_sealed_and_found_without_opening(world: World) -> None:
    """DLV-010: the code is not in the row; CNV-008: it comes out byte for byte."""
    await world.offer(codes=["ÄÖ-你好-1 ", "plain"])
    first, second = await world.rows(Unit)
    assert b"plain" not in second.sealed
    assert world.vault.open(first.sealed, first.key_id, first.id).decode() == "ÄÖ-你好-1 "
    assert first.code_hash == world.vault.fingerprint("ÄÖ-你好-1 ".encode())


async def test_a_code_is_taken_once(world: World) -> None:
    """duplicate_code names the places, never a code; nothing is half imported."""
    offer = await world.offer(codes=["A", "B"])
    error = await refused("duplicate_code", world.update(offer, add_codes=["C", "B", "D", "C"]))
    assert [one.pointer for one in error.errors] == ["/add_codes/1", "/add_codes/3"]
    assert len(await world.rows(Unit)) == 2
    await refused("duplicate_code", world.offer(codes=["X", "X"]), pointer="/codes/1")
    channel = await world.channel()
    await world.order(channel, line(offer, 2))
    await refused("duplicate_code", world.update(offer, add_codes=["A"]), pointer="/add_codes/0")


async def test_unlimited_stock_counts_what_it_hands_out(world: World) -> None:
    """Received rises with holds and sales; what is given back is handed out again first."""
    channel, offer = await world.channel(), await world.offer()
    hold = await world.hold(channel, offer, 3)
    await world.release(channel, hold)
    await world.order(channel, line(offer, 5))
    after = await world.stock(offer)
    assert (after.received, after.available, after.sold) == (5, 0, 5)
    assert (await offer_now(world, offer)).availability == "in_stock"
    assert await world.events(kind="availability.changed") == []


async def test_availability_shows_when_it_crosses(world: World) -> None:
    """CAT-005, CAT-006, EVT-005: a new revision, a new place in the feed, and an event; not for every sale."""
    channel, offer = await world.channel(), await world.offer(quantity=8)
    assert offer.availability == "in_stock"
    seen = []
    before = await offer_now(world, offer)
    for quantity in (1, 1, 1, 1, 4):
        await world.order(channel, line(offer, quantity))
        now = await offer_now(world, offer)
        seen.append((now.revision, now.availability))
        assert (now.position != before.position) == (now.revision > before.revision)
        before = now
    assert seen == [(1, "in_stock"), (1, "in_stock"), (2, "low_stock"), (2, "low_stock"), (3, "out_of_stock")]
    events = await world.events(channel, "availability.changed")
    assert [event.data["offer"]["availability"]["status"] for event in events] == [
        "low_stock",
        "out_of_stock",
    ]
    assert [event.revision for event in events] == [2, 3]
    assert all(spec.validator("Event").errors(wire.render_event(event)) == [] for event in events)


async def test_what_is_given_back_can_be_bought_again(world: World) -> None:
    """EVT-005: also the way up, for all channels that see the offer and no other."""
    seller, other = await world.channel(), await world.channel()
    offer = await world.offer(codes=["A"], client_id=seller.id)
    hold = await world.hold(seller, offer)
    await world.release(seller, hold)
    assert len(await world.events(seller, "availability.changed")) == 2
    assert await world.events(other) == []


async def test_adding_and_voiding(world: World) -> None:
    """Unsold units can be taken out of sale, no more than there are; pools grow by codes only."""
    pool, counted = await world.offer(codes=["A", "B", "C"]), await world.offer(quantity=3)
    await world.update(pool, add_codes=["D"], void_available=2)
    after = await world.stock(pool)
    assert (after.received, after.available, after.voided) == (4, 2, 2)
    assert sorted(unit.seq for unit in await world.rows(Unit) if unit.state == "voided") == [0, 1]
    await refused("out_of_stock", world.update(counted, void_available=4), pointer="/void_available")
    await refused("invalid", world.update(counted, add_codes=["E"]), pointer="/add_codes")
    await world.update(counted, void_available=3)
    assert (await offer_now(world, counted)).availability == "out_of_stock"
    assert spec.validator("TestStock").errors(wire.render_stock(pool.id, after)) == []


async def test_counted_stock_grows(world: World) -> None:
    """Receiving is a movement like any other."""
    offer = await world.offer(quantity=0)
    assert offer.availability == "out_of_stock"
    await world.run(lambda books: stock.receive(books, world.call(), offer.stock_id, 7))
    assert (await world.stock(offer)).available == 7
    assert (await offer_now(world, offer)).availability == "in_stock"
    assert [(row.kind, row.quantity) for row in await world.rows(Movement)] == [("receive", 7)]


async def test_a_pool_that_counts_wrongly_sells_nothing(world: World) -> None:
    """If the counter promises a unit that is not there, that is a fault and not a sale."""
    channel, offer = await world.channel(), await world.offer(codes=["A"])

    def lie(books: object) -> None:
        row = books.get(Stock, offer.stock_id)
        books.put(Stock(row.id, "codes", 2, 2, 0, 0, 0, row.low_threshold))

    await world.run(lie)
    with pytest.raises(LookupError, match="counts more units than it has"):
        await world.order(channel, line(offer, 2))


async def offer_now(world: World, offer: Offer) -> Offer:
    """As it is in the books."""
    return next(row for row in await world.rows(Offer) if row.id == offer.id)


async def test_channels_that_are_closed_get_no_events(world: World) -> None:
    """Only active channels are told."""
    channel = await world.channel()

    def close(books: object) -> None:
        row = books.get(Channel, channel.id)
        books.put(replace(row, active=False))

    await world.run(close)
    await world.offer()
    assert await world.events() == []
