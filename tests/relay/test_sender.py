"""EVT-007 to EVT-009, EVT-017: at least once, with growing pauses, no channel in the way of another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from aiohttp import web

import spec
from gateway.core.model import Channel, Event
from gateway.relay.sender import Sender
from gateway.storage.engine import open_engine
from gateway.storage.outbox import Outbox
from tests.core.world import World, line
from tests.relay.conftest import House, Receiver, statuses

Listen = Callable[[], Awaitable[Receiver]]


async def only_event(world: World) -> Event:
    """The one that there is."""
    [event] = await world.events()
    return event


async def test_an_event_is_sent_as_the_standard_says(house: House, listen: Listen) -> None:
    """EVT-001, TRC-004: the Event type, in the trace of what caused it, with a span of its own."""
    receiver, world = await listen(), house.world
    channel = await world.channel(events_url=receiver.url)
    offer = await world.offer()
    order = await world.order(channel, line(offer))
    await house.send_all()
    assert sorted(one["type"] for one in receiver.events) == [
        "delivery.ready",
        "offer.updated",
        "order.updated",
    ]
    assert all(spec.validator("Event").errors(one) == [] for one in receiver.events)
    for (headers, _), event in zip(receiver.got, receiver.events, strict=True):
        assert headers["traceparent"][3:35] == event["traceparent"][3:35]
        assert headers["traceparent"] != event["traceparent"]
    told = next(one for one in receiver.events if one["type"] == "order.updated")
    assert told["traceparent"][3:35] == order.trace_id
    assert {(row.state, row.attempts, row.last_error) for row in await world.events()} == {
        ("delivered", 1, None)
    }
    assert await house.send() == 0


async def test_it_is_tried_again_with_growing_pauses(house: House, listen: Listen) -> None:
    """EVT-007, EVT-008: the same id and body each time; the first pause is about a second."""
    receiver, world = await listen(), house.world
    receiver.reply = statuses(503, 500, 400, 302, 200)
    await world.channel(events_url=receiver.url)
    await world.offer()
    pauses: list[timedelta] = []
    for attempt in range(1, 5):
        await house.send()
        row = await only_event(world)
        assert (row.state, row.attempts) == ("pending", attempt)
        pauses.append(row.next_attempt_at - world.now)
        world.now = row.next_attempt_at - timedelta(milliseconds=1)
        assert await house.send() == 0
        world.now = row.next_attempt_at
    assert (await only_event(world)).last_error == "HTTP 302"
    assert timedelta(seconds=0.5) <= pauses[0] <= timedelta(seconds=1)
    assert pauses == sorted(pauses)
    await house.send()
    assert (await only_event(world)).state == "delivered"
    assert len({body for _, body in receiver.got}) == 1
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1


async def test_the_channel_may_ask_for_time(house: House, listen: Listen) -> None:
    """Retry-After is heard, up to an hour."""
    receiver, world = await listen(), house.world
    receiver.reply = statuses(503, 503, **{"Retry-After": "120"})
    await world.channel(events_url=receiver.url)
    await world.offer()
    await house.send()
    assert (await only_event(world)).next_attempt_at == world.now + timedelta(seconds=120)


async def test_it_is_parked_after_three_days(house: House, listen: Listen) -> None:
    """EVT-007, EVT-009: tried for 72 hours, then left to the feed; the pauses never grow over an hour."""
    receiver, world = await listen(), house.world
    receiver.reply = statuses(*[500] * 500)
    await world.channel(events_url=receiver.url)
    await world.offer()
    begun: datetime = world.now
    pauses: list[timedelta] = []
    async with asyncio.timeout(60):
        while (row := await only_event(world)).state == "pending":
            pauses.append(max(row.next_attempt_at - world.now, timedelta()))
            world.now = max(world.now, row.next_attempt_at)
            await house.send(house.new_sender())
    assert timedelta(hours=72) <= world.now - begun <= timedelta(hours=73)
    assert max(pauses) <= timedelta(hours=1)
    assert row.last_error == "HTTP 500"
    world.advance(86400)
    assert await house.send() == 0
    assert len(await world.events()) == 1


async def test_a_channel_that_is_not_there(house: House, listen: Listen) -> None:
    """The books say why, and nothing secret."""
    world = house.world
    channel = await world.channel(events_url="http://127.0.0.1:1/events?token=HIDDEN")
    await world.offer()
    await house.send()
    row = await only_event(world)
    assert (row.state, row.attempts, row.last_error) == ("pending", 1, "ClientConnectorError")
    gone = replace(channel, events_url=None)
    await world.run(lambda books: books.put(gone))
    world.advance(60)
    await house.send()
    row = await only_event(world)
    assert (row.state, row.last_error) == ("parked", "the channel takes no events")


async def test_a_slow_channel_delays_nobody(house: House, listen: Listen) -> None:
    """EVT-017: the other channel has all its events while the first has not answered once."""
    slow, quick, world = await listen(), await listen(), house.world
    waiting = asyncio.Event()

    async def hang(number: int) -> web.Response:
        await waiting.wait()
        return web.Response(status=204)

    slow.reply = hang
    for receiver in (slow, quick):
        await world.channel(events_url=receiver.url)
    for _ in range(40):
        await world.offer()
    began = time.monotonic()
    async with asyncio.timeout(10):
        while len(quick.got) < 40:
            await house.sender.run_once(world.now)
            await asyncio.sleep(0.01)
    assert time.monotonic() - began < 5
    assert 0 < len(slow.got) <= 16
    waiting.set()
    await house.sender.drain()
    await house.send_all()
    assert {row.state for row in await world.events()} == {"delivered"}
    assert len(slow.got) == 40


async def test_a_try_ends_after_its_timeout(house: House, listen: Listen) -> None:
    """A channel that never answers is tried again like one that refuses."""
    receiver, world = await listen(), house.world

    async def hang(number: int) -> web.Response:
        await asyncio.sleep(5)
        return web.Response(status=204)

    receiver.reply = hang
    await world.channel(events_url=receiver.url)
    await world.offer()
    await house.send(house.new_sender(timeout=0.1))
    row = await only_event(world)
    assert (row.state, row.attempts) == ("pending", 1)
    assert "Timeout" in (row.last_error or "")


async def test_a_channel_that_fails_and_fails_is_left_alone(house: House, listen: Listen) -> None:
    """Its lane narrows with each burst, then it rests; when it answers, all is as before."""
    receiver, world = await listen(), house.world
    receiver.reply = statuses(*[500] * 1000)
    await world.channel(events_url=receiver.url)
    for _ in range(60):
        await world.offer()
    counts = []
    for _ in range(6):
        before = len(receiver.got)
        await house.send()
        counts.append(len(receiver.got) - before)
        world.advance(0.9)
    assert counts[0] == 16
    assert counts[1:5] == [8, 4, 2, 1]
    assert counts[5] == 0
    receiver.reply = None
    world.advance(3600)
    await house.send_all()
    assert {row.state for row in await world.events()} == {"delivered"}


async def test_what_a_dead_process_had_claimed_is_sent_by_the_next(house: House, listen: Listen) -> None:
    """EVT-009: its lease runs out; until then nobody else sends it."""
    receiver, world = await listen(), house.world
    await world.channel(events_url=receiver.url)
    await world.offer()
    lease = world.now + timedelta(seconds=30)
    assert len(await house.outbox.claim_events(world.now, lease, 10, 10, set())) == 1
    assert await house.send() == 0
    world.advance(30)
    assert await house.send() == 1
    assert len(receiver.got) == 1


async def test_two_replicas_do_not_both_send(house: House, listen: Listen) -> None:
    """The claim is a lease: each event goes to one of them."""
    receiver, world = await listen(), house.world
    await world.channel(events_url=receiver.url)
    for _ in range(30):
        await world.offer()
    other = house.new_sender()
    async with asyncio.timeout(10):
        while any(await asyncio.gather(house.sender.run_once(world.now), other.run_once(world.now))):
            await asyncio.gather(house.sender.drain(), other.drain())
    ids = [one["id"] for one in receiver.events]
    assert len(ids) == len(set(ids)) == 30


async def test_stopping_lets_go_of_what_hangs(house: House, listen: Listen) -> None:
    """After the grace what hangs is cancelled and left to its lease; nothing is written of it."""
    receiver, world = await listen(), house.world

    async def hang(number: int) -> web.Response:
        await asyncio.sleep(5)
        return web.Response(status=204)

    receiver.reply = hang
    await world.channel(events_url=receiver.url)
    await world.offer()
    sender = house.new_sender(grace=0.1)
    await sender.run_once(world.now)
    began = time.monotonic()
    await sender.close()
    assert time.monotonic() - began < 2
    row = await only_event(world)
    assert (row.state, row.attempts) == ("pending", 0)


async def test_a_closed_channel_gets_nothing(house: House, listen: Listen) -> None:
    """What waits for it is parked, and stays in its feed."""
    receiver, world = await listen(), house.world
    channel: Channel = await world.channel(events_url=receiver.url)
    await world.offer()
    await world.run(lambda books: books.put(replace(channel, active=False)))
    await house.send()
    assert (await only_event(world)).state == "parked"
    assert receiver.got == []


async def test_an_event_that_cannot_be_signed_is_tried_again(house: House, listen: Listen) -> None:
    """The books tell why, others are sent all the same, and nothing of the secret is in the row."""
    bad, good, world = await listen(), await listen(), house.world
    channel = await world.channel(events_url=bad.url)
    await world.channel(events_url=good.url)
    await world.run(lambda books: books.put(replace(channel, webhook_secret=b"not sealed at all")))
    await world.offer()
    await house.send()
    assert (len(bad.got), len(good.got)) == (0, 1)
    [row] = await world.events(channel)
    assert (row.state, row.attempts, row.last_error) == ("pending", 1, "VaultError")


async def test_an_outcome_is_kept_until_it_can_be_written(house: House, listen: Listen) -> None:
    """The database is away for a moment: the next round writes it, and the event is not sent again."""
    receiver, world = await listen(), house.world
    await world.channel(events_url=receiver.url)
    await world.offer()
    other = open_engine(house.database_url)
    sender = Sender(Outbox(other), house.sender._signer, house.session, lambda: world.now)
    await sender.run_once(world.now)
    sender._outbox = Broken()
    with pytest.raises(ConnectionError):
        await sender.drain()
    await sender.close()  # as at the end of a process: said in the log, and no reason to hang
    sender._outbox = Outbox(other)
    assert await sender.run_once(world.now) == 0
    assert (await only_event(world)).state == "delivered"
    await other.close()


class Broken(Outbox):
    """A database that cannot be reached."""

    def __init__(self) -> None:
        """Needs no engine."""

    async def record_attempts(self, attempts: object) -> None:
        """Fails."""
        raise ConnectionError("the database is away")
