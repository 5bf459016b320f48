"""INV-004, ORD-015, TST-007: what is due ends by itself, and what need not be remembered is forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.core.model import Assertion, Idempotency, Order, Reservation
from gateway.relay.sweeper import PURGED, Sweeper
from tests.core.world import line
from tests.relay.conftest import House


async def test_holds_and_unpaid_orders_end_when_they_are_due(house: House) -> None:
    """Not before the instant, and each once; the stock is back and the channel is told."""
    world = house.world
    sweeper = Sweeper(house.outbox, world.store)
    channel, offer = await world.channel(), await world.offer(codes=[f"C{n}" for n in range(30)])
    await world.hold(channel, offer)
    await world.pending(channel, line(offer, 2))
    world.advance(600 - 0.000001)
    assert await sweeper.run_once(world.now) == 0
    world.advance(0.000001)
    assert await sweeper.run_once(world.now) == 1
    assert (await world.stock(offer)).available == 28
    world.advance(1200)
    assert await sweeper.run_once(world.now) == 1
    assert (await world.stock(offer)).available == 30
    assert [row.status for row in await world.rows(Order)] == ["expired"]
    assert {row.status for row in await world.rows(Reservation)} == {"expired"}
    assert await sweeper.run_once(world.now) == 0
    assert len(await world.events(channel, "reservation.expired")) == 1
    assert (await world.events(channel, "order.updated"))[-1].data["order"]["status"] == "expired"


async def test_settling_goes_on_until_nothing_is_due(house: House) -> None:
    """TST-007: more than one batch."""
    world = house.world
    sweeper = Sweeper(house.outbox, world.store)
    channel, offer = await world.channel(max_open_holds_per_buyer=1000), await world.offer()
    for _ in range(230):
        await world.hold(channel, offer)
    world.advance(600)
    await sweeper.settle(world.now)
    assert {row.status for row in await world.rows(Reservation)} == {"expired"}
    await world.audit()


async def test_what_is_old_is_forgotten(house: House) -> None:
    """IDM-007: keys after seven days, not before; assertions when they have expired. Looked at once a minute."""
    world = house.world
    sweeper = Sweeper(house.outbox, world.store)

    def remember(key: str) -> None:
        row = Idempotency("chn_1", "create_order", key, b"f", 201, b"{}", None, world.now)
        books_rows = [row, Assertion("chn_1", key, world.now + timedelta(minutes=5))]
        pending.extend(books_rows)

    pending: list[Idempotency | Assertion] = []
    remember("old")
    world.advance(100)
    remember("new")
    await world.run(lambda books: [books.put(row) for row in pending])
    world.advance(7 * 86400 - 100)
    await sweeper.run_once(world.now)
    assert [row.key for row in await world.rows(Idempotency)] == ["new"]
    assert await world.rows(Assertion) == []
    world.advance(59)
    await sweeper.run_once(world.now)
    assert len(await world.rows(Idempotency)) == 1
    world.advance(41)
    await sweeper.run_once(world.now)
    assert await world.rows(Idempotency) == []


async def test_more_than_a_batch_is_forgotten_at_once(house: House) -> None:
    """However many keys a busy minute has left: what is kept for seven days is not kept for eight."""
    world = house.world
    sweeper, count = Sweeper(house.outbox, world.store), PURGED + 100
    rows = [Idempotency("chn_1", "x", str(n), b"f", 201, b"{}", None, world.now) for n in range(count)]
    await world.run(lambda books: [books.put(row) for row in rows])
    world.advance(7 * 86400)
    for _ in range(2):
        await sweeper.run_once(world.now)
    assert await world.rows(Idempotency) == []


async def test_one_that_cannot_be_ended_keeps_nobody(house: House) -> None:
    """A row whose books are wrong is told of in the log; the others end."""
    world = house.world
    channel, broken, sound = (
        await world.channel(),
        await world.offer(quantity=5),
        await world.offer(quantity=5),
    )
    bad, good = await world.hold(channel, broken), await world.hold(channel, sound)
    order = await world.pending(channel, line(sound))
    await world.run(lambda books: books.put(replace(bad, stock_id="stk_gone")))
    world.advance(1800)
    assert await Sweeper(house.outbox, world.store).run_once(world.now) == 2
    states = {row.id: row.status for row in await world.rows(Reservation)}
    assert (states[bad.id], states[good.id], states[order.holds[0]]) == ("active", "expired", "expired")
