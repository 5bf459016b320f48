"""CAT-001, EVT-009, EVT-011: positions are given after the commit, so that no reader of a feed misses anything."""

from __future__ import annotations

import asyncio

from gateway.core.model import Event, Offer
from gateway.relay.sequencer import Sequencer
from gateway.storage.queries import DatabaseQueries
from tests.core.world import line
from tests.relay.conftest import House


async def test_everything_gets_a_place(house: House) -> None:
    """Each row one of its own; a second look finds nothing to do."""
    world, sequencer = house.world, Sequencer(house.outbox)
    channel = await world.channel()
    offers = [await world.offer() for _ in range(5)]
    await world.order(channel, line(offers[0]))
    assert await sequencer.run_once() == len(await world.rows(Offer)) + len(await world.rows(Event))
    for kind in (Offer, Event):
        places = [row.position for row in await world.rows(kind)]
        assert None not in places
        assert len(places) == len(set(places))
    assert await sequencer.run_once() == 0


async def test_a_changed_offer_comes_again_behind_all_others(house: House) -> None:
    """CAT-003: whatever cursor was issued before, the change is after it."""
    world, sequencer = house.world, Sequencer(house.outbox)
    first, second = await world.offer(), await world.offer()
    await sequencer.run_once()
    changed = await world.update(first, price={"amount": 1, "currency": "EUR"})
    assert changed.position is None
    await sequencer.run_once()
    rows = {row.id: row.position or 0 for row in await world.rows(Offer)}
    assert rows[first.id] > rows[second.id]


async def test_an_offer_that_sells_out_comes_again(house: House) -> None:
    """CAT-003, CAT-006: a change of availability is a change; a sale without one is not."""
    world, sequencer = house.world, Sequencer(house.outbox)
    channel, offer = await world.channel(), await world.offer(quantity=8)
    await sequencer.run_once()
    [before] = await world.rows(Offer)
    await world.order(channel, line(offer))
    await sequencer.run_once()
    [sold_one] = await world.rows(Offer)
    await world.order(channel, line(offer, 7))
    await sequencer.run_once()
    [sold_out] = await world.rows(Offer)
    assert sold_one.position == before.position
    assert (sold_out.position or 0) > (before.position or 0)
    assert sold_out.availability == "out_of_stock"


async def test_one_subjects_revisions_are_in_order(house: House) -> None:
    """EVT-010: as the feed shows them, they rise."""
    world, sequencer = house.world, Sequencer(house.outbox)
    channel, offer = await world.channel(), await world.offer()
    for amount in range(1, 12):
        await world.update(offer, price={"amount": amount, "currency": "EUR"})
        if amount % 3 == 0:
            await sequencer.run_once()
    await sequencer.run_once()
    feed = sorted(await world.events(channel), key=lambda event: event.position or 0)
    assert [event.revision for event in feed] == list(range(1, 13))


async def test_a_reader_misses_nothing_while_others_write(house: House) -> None:
    """Two sequencers, many writers, one reader by cursor: it sees each event once, in order."""
    world, queries = house.world, DatabaseQueries(house.world.store.engine)
    channel, offer = await world.channel(), await world.offer()
    seen: list[Event] = []
    done = asyncio.Event()

    async def number() -> None:
        sequencer = Sequencer(house.outbox)
        while not done.is_set():
            await sequencer.run_once()
            await asyncio.sleep(0.001)
        await sequencer.run_once()

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
        loops = [asyncio.create_task(number()), asyncio.create_task(number())]
        await asyncio.gather(*(write() for _ in range(4)))
        done.set()
        await asyncio.gather(*loops)
        await read()
    written = await world.events(channel)
    assert sorted(event.id for event in seen) == sorted(event.id for event in written)
    assert [event.position for event in seen] == sorted(event.position or 0 for event in seen)
