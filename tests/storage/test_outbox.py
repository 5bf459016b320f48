"""What the relay asks: claims under a lease, positions in order, what is due, what is purged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy.dialects.postgresql import asyncpg as postgresql_asyncpg

from gateway.core import inventory
from gateway.core.model import Assertion, Event, HoldCount, Idempotency, Offer
from gateway.relay.ports import Attempt
from gateway.storage import outbox
from tests.storage.world import Shop, call_of, open_shop

SECOND = timedelta(seconds=1)


def event(number: int, channel_id: str, **members: Any) -> Event:
    """A pending event that is due now."""
    now = call_of().now
    plain = Event(
        f"evt_{number:05}",
        channel_id,
        "order.updated",
        "ord_1",
        1,
        now,
        "00-t",
        {},
        None,
        "pending",
        0,
        now,
        None,
    )
    return replace(plain, **members)


async def put(shop: Shop, *rows: Any) -> None:
    """Write these rows in one transaction."""
    await shop.store.run(lambda books: [books.put(row) for row in rows])


async def test_a_claim_is_a_lease(shop: Shop) -> None:
    """What one has claimed no other gets before the lease is over; nobody gets more than its share."""
    one, two = await shop.channel(), await shop.channel()
    await put(shop, *(event(n, (one, two)[n % 2].id) for n in range(10)))
    outbox, now = shop.store.outbox, call_of().now + SECOND
    lease = now + 30 * SECOND
    first = await outbox.claim_events(now, lease, 100, 3, set())
    assert [row.id for row in first] == [f"evt_{n:05}" for n in range(6)]
    assert {row.next_attempt_at for row in first} == {lease}
    assert [row.channel_id for row in await outbox.claim_events(now, lease, 2, 3, {one.id})] == [two.id] * 2
    assert len(await outbox.claim_events(now, lease, 1, 3, set())) == 1
    assert len(await outbox.claim_events(now, lease, 100, 9, set())) == 1
    assert await outbox.claim_events(now, lease, 100, 9, set()) == []
    assert len(await outbox.claim_events(lease, lease + SECOND, 100, 9, set())) == 10


async def test_two_senders_share_the_work(shop: Shop, database_url: str) -> None:
    """Claims of two processes at once never overlap."""
    channel = await shop.channel()
    await put(shop, *(event(n, channel.id) for n in range(60)))
    now = call_of().now + SECOND
    async with open_shop(database_url) as other:
        boxes = [shop.store.outbox, other.store.outbox] * 5
        claims = await asyncio.gather(
            *(box.claim_events(now, now + 30 * SECOND, 10, 10, set()) for box in boxes)
        )
    ids = [row.id for claim in claims for row in claim]
    assert len(ids) == len(set(ids))
    assert len(ids) >= 50


async def test_attempts_are_recorded_and_nothing_else(shop: Shop) -> None:
    """State, attempts, time and error change; an event that is no longer pending stays as it is."""
    channel = await shop.channel()
    waiting, done = event(1, channel.id), event(2, channel.id, state="delivered", attempts=1)
    await put(shop, waiting, done)
    later = call_of().now + 5 * SECOND
    outcomes = [
        Attempt("evt_00002", "parked", 9, later, "x"),
        Attempt("evt_00001", "pending", 1, later, "HTTP 503"),
    ]
    await shop.store.outbox.record_attempts(outcomes)
    await shop.store.outbox.record_attempts([])
    rows = sorted(await shop.rows(Event), key=lambda row: row.id)
    tried = replace(waiting, position=1, attempts=1, next_attempt_at=later, last_error="HTTP 503")
    assert rows == [tried, replace(done, position=2)]


async def test_what_is_to_be_sent_is_announced(shop: Shop) -> None:
    """The relay is woken by an event that waits to be sent, and left alone by all else."""
    channel = await shop.channel()
    heard: list[str] = []
    shop.store.combiner.committed = lambda: heard.append("commit")
    await shop.store.run(lambda books: books.get(HoldCount, "c", ""))
    await shop.store.run(lambda books: books.put(HoldCount("c", "", 1)))
    await put(shop, event(1, channel.id, state="delivered"))
    assert heard == []
    await put(shop, event(2, channel.id))
    assert heard == ["commit"]


async def test_positions_are_given_in_order_and_once(shop: Shop, database_url: str) -> None:
    """Two processes that write at once give every row a position once and without a hole, visible in their order."""
    channel = await shop.channel()
    await put(shop, *(event(n, channel.id) for n in range(50)))
    before = {row.id: row.position for row in await shop.rows(Event)}
    assert [before[key] for key in sorted(before)] == list(range(1, 51))
    async with open_shop(database_url) as other:
        await asyncio.gather(*(put((shop, other)[n % 2], event(n, channel.id)) for n in range(50, 250)))
    rows = await shop.store.queries.events_after(channel.id, 50, 500)
    assert [row.position for row in rows] == list(range(51, 251))


async def test_a_changed_offer_moves_to_the_end_of_its_feed(shop: Shop) -> None:
    """The feed has each offer once, at its newest revision; a channel sees its own offers and everybody's."""
    mine, other = await shop.channel(), await shop.channel()
    first, second = await shop.offer(quantity=1), await shop.offer(quantity=1, client_id=mine.id)
    await put(shop, replace((await shop.rows(Offer))[0], revision=2, position=None))
    queries = shop.store.queries
    feed = await queries.offers_after(mine.id, 0, 10)
    assert {offer.id for offer in feed} == {first.id, second.id}
    assert feed[-1].revision == 2
    assert [offer.id for offer in await queries.offers_after(other.id, 0, 10)] == [first.id]
    assert await queries.offers_after(mine.id, feed[-1].position or 0, 10) == []
    assert await queries.offer(other.id, second.id) is None
    assert await queries.offer(mine.id, second.id) is not None


async def test_what_is_due_and_what_is_old(shop: Shop) -> None:
    """Due holds by time, internal ones left out; old answers and used assertions go, young ones stay."""
    channel, offer = await shop.channel(), await shop.offer(quantity=5)
    call = call_of(channel.id)
    wish = {"offer_id": offer.id, "quantity": 1, "buyer": {"reference": "b"}, "ttl_seconds": 60}
    cmd = inventory.CreateReservation.from_wire(wish)
    make: Callable[[Any], Any] = lambda books: inventory.create_reservation(books, call, cmd)  # noqa: E731
    first, second, hidden = [await shop.store.run(make) for _ in range(3)]
    await put(shop, replace(first, expires_at=second.expires_at + SECOND), replace(hidden, internal=True))
    outbox = shop.store.outbox
    assert await outbox.due_reservations(second.expires_at, 10) == [second.id]
    assert await outbox.due_reservations(second.expires_at + SECOND, 10) == [second.id, first.id]
    assert await outbox.due_reservations(second.expires_at + SECOND, 1) == [second.id]
    assert await outbox.due_orders(second.expires_at, 10) == []
    answers = [Idempotency("c", "o", str(n), b"f", 200, b"{}", None, call.now + n * SECOND) for n in range(4)]
    used = [Assertion("c", str(n), call.now + n * SECOND) for n in range(4)]
    await put(shop, *answers, *used)
    assert [await outbox.purge_idempotency(call.now + SECOND, limit) for limit in (1, 10, 10)] == [1, 1, 0]
    assert await outbox.purge_assertions(call.now + 2 * SECOND, 10) == 3
    assert await shop.rows(Assertion) == used[3:]
    assert sorted(row.key for row in await shop.rows(Idempotency)) == ["2", "3"]


@pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
async def test_a_claim_takes_its_limit_by_any_plan(shop: Shop, database_url: str) -> None:
    """Also where PostgreSQL goes through the events and looks each up among those that were chosen."""
    one = await shop.channel()
    await put(shop, *(event(n, one.id) for n in range(10)))
    now = call_of().now + SECOND
    values = {"channel_id": one.id, "now": now, "lease_until": now + 30 * SECOND, "limit": 3}
    compiled = outbox.CLAIM.compile(dialect=postgresql_asyncpg.dialect())
    link = await asyncpg.connect(database_url)
    try:
        for other_plan in ("hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize"):
            await link.execute(f"SET enable_{other_plan} = off")
        claimed = await link.fetch(str(compiled), *(values[name] for name in compiled.positiontup))
    finally:
        await link.close()
    assert len(claimed) == 3
