"""CAT-001, EVT-009, EVT-011: positions become visible in their order, so that no reader of a feed misses anything."""

from __future__ import annotations

import asyncio

from gateway.core.model import Event, Offer
from gateway.core.model_ownership_log import LogEntry
from gateway.storage.queries import DatabaseQueries
from tests.core.world import line
from tests.relay.conftest import House


async def test_everything_gets_a_place(house: House) -> None:
    """Each row of the feeds, and of the log of ownership, one of its own, without a hole."""
    world = house.world
    channel = await world.channel()
    offers = [await world.offer() for _ in range(5)]
    await world.order(channel, line(offers[0]))
    places = [row.position or 0 for kind in (Offer, Event, LogEntry) for row in await world.rows(kind)]
    assert sorted(places) == list(range(1, len(places) + 1))


async def test_a_changed_offer_comes_again_behind_all_others(house: House) -> None:
    """CAT-003: whatever cursor was issued before, the change is after it."""
    world = house.world
    first, second = await world.offer(), await world.offer()
    await world.update(first, price={"amount": 1, "currency": "EUR"})
    rows = {row.id: row.position or 0 for row in await world.rows(Offer)}
    assert rows[first.id] > rows[second.id]


async def test_an_offer_that_sells_out_comes_again(house: House) -> None:
    """CAT-003, CAT-006: a change of availability is a change; a sale without one is not."""
    world = house.world
    channel, offer = await world.channel(), await world.offer(quantity=8)
    [before] = await world.rows(Offer)
    await world.order(channel, line(offer))
    [sold_one] = await world.rows(Offer)
    await world.order(channel, line(offer, 7))
    [sold_out] = await world.rows(Offer)
    assert sold_one.position == before.position
    assert (sold_out.position or 0) > (before.position or 0)
    assert sold_out.availability == "out_of_stock"


async def test_one_subjects_revisions_are_in_order(house: House) -> None:
    """EVT-010: as the feed shows them, they rise."""
    world = house.world
    channel, offer = await world.channel(), await world.offer()
    for amount in range(1, 12):
        await world.update(offer, price={"amount": amount, "currency": "EUR"})
    feed = sorted(await world.events(channel), key=lambda event: event.position or 0)
    assert [event.revision for event in feed] == list(range(1, 13))


async def test_a_reader_misses_nothing_while_others_write(house: House) -> None:
    """Many writers, one reader by cursor: it sees each event once, in order."""
    world, queries = house.world, DatabaseQueries(house.world.store.engine)
    channel, offer = await world.channel(), await world.offer()
    seen: list[Event] = []
    done = asyncio.Event()

    async def read() -> None:
        while True:
            finished = done.is_set()
            page = await queries.events_after(channel.id, seen[-1].position or 0 if seen else 0, 7)
            seen.extend(page)
            if finished and not page:
                return
            await asyncio.sleep(0.001)

    async def write() -> None:
        for _ in range(20):
            await world.order(channel, line(offer))

    async with asyncio.timeout(60):
        reader = asyncio.create_task(read())
        await asyncio.gather(*(write() for _ in range(4)))
        done.set()
        await reader
    written = await world.events(channel)
    assert sorted(event.id for event in seen) == sorted(event.id for event in written)
    assert [event.position for event in seen] == sorted(event.position or 0 for event in seen)
