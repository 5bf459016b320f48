"""The loops together: woken by commits, outliving failures, stopped without loss."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from gateway.core.model import Event, Order
from gateway.relay.relay import Loop, Relay
from gateway.relay.sweeper import Sweeper
from tests.core.world import line
from tests.relay.conftest import House, Receiver

Listen = Callable[[], Awaitable[Receiver]]
ROOT = Path(__file__).parents[2]


def relay_of(house: House, idle: float = 1.0) -> Relay:
    """All loops of a process, woken by its combiner."""
    world = house.world
    sweeper = Sweeper(house.outbox, world.store)
    relay = Relay(house.sender, sweeper, lambda: world.now, idle)
    world.store.combiner.committed = relay.wake
    return relay


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for it."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_commit_is_sent_at_once(house: House, listen: Listen) -> None:
    """Without waiting for the next round: the commit wakes the loops."""
    receiver, world = await listen(), house.world
    channel = await world.channel(events_url=receiver.url)
    relay = relay_of(house, idle=60)  # nothing happens by itself
    relay.start()
    try:
        await asyncio.sleep(0.3)
        await world.offer()
        await until(lambda: len(receiver.got) == 1)
        for _ in range(50):  # many more than may be under way at once
            await world.offer()
        await until(lambda: len(receiver.got) == 51)
        await relay.settle()
    finally:
        await relay.stop()
    rows = await world.events(channel)
    assert {row.state for row in rows} == {"delivered"}
    assert all(row.position for row in rows)


async def test_settling_does_what_is_due_and_numbers_it(house: House) -> None:
    """TST-007: for test control, whether the loops run or not."""
    world = house.world
    channel, offer = await world.channel(events_url=None), await world.offer()
    await world.pending(channel, line(offer))
    world.advance(1800)
    await relay_of(house).settle()
    assert [row.status for row in await world.rows(Order)] == ["expired"]
    assert all(row.position for row in await world.rows(Event))


async def test_a_loop_outlives_its_failures(caplog: pytest.LogCaptureFixture) -> None:
    """A round that fails is logged, and the next one comes."""
    rounds = 0

    async def work() -> int:
        nonlocal rounds
        rounds += 1
        if rounds == 2:
            raise ConnectionError("the database is away")
        return 0

    loop = Loop("test", work, idle=0.01)
    with caplog.at_level(logging.ERROR):
        loop.start()
        await until(lambda: rounds >= 4)
        await loop.stop()
    assert "a round failed" in caplog.text


async def test_a_loop_sleeps_until_it_is_woken() -> None:
    """Idle costs nothing; work goes on without a pause while there is some."""
    rounds, work_left = 0, 3

    async def work() -> int:
        nonlocal rounds, work_left
        rounds += 1
        work_left = max(0, work_left - 1)
        return work_left

    loop = Loop("test", work, idle=60)
    loop.start()
    await until(lambda: rounds == 3)
    await asyncio.sleep(0.1)
    assert rounds == 3
    loop.wake()
    await until(lambda: rounds == 4)
    await loop.stop()
    await Loop("never started", work).stop()


CHILD = """
import asyncio, os, signal, sys
sys.path.insert(0, sys.argv[4])
from gateway.storage.engine import open_engine
from gateway.storage.vault import AesVault
from tests.core.stores import DatabaseStore
from tests.core.world import World, line

async def main() -> None:
    engine = open_engine(sys.argv[1])
    world = World(DatabaseStore(engine), AesVault(sys.argv[3]))
    channel = await world.channel(events_url=sys.argv[2])
    offer = await world.offer(quantity=5)
    await world.order(channel, line(offer))
    print("committed", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_nothing_is_lost_between_commit_and_send(house: House, listen: Listen) -> None:
    """A process that is killed right after its commit has told nobody; the next one does."""
    receiver = await listen()
    ring = "k1:" + "A" * 43 + "="
    command = [sys.executable, "-c", CHILD, house.database_url, receiver.url, ring, str(ROOT)]
    child = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=60, text=True)
    assert (child.returncode, child.stdout) == (-signal.SIGKILL, "committed\n"), child.stderr
    house.open_vault(ring)
    relay = relay_of(house)
    relay.start()
    try:
        await until(lambda: len(receiver.got) == 3)
    finally:
        await relay.stop()
    assert sorted(one["type"] for one in receiver.events) == [
        "delivery.ready",
        "offer.updated",
        "order.updated",
    ]


SENDING_CHILD = """
import asyncio, sys
sys.path.insert(0, sys.argv[3])
import aiohttp
from datetime import UTC, datetime
from gateway.relay.sender import Sender
from gateway.relay.signing import Signer
from gateway.storage.engine import open_engine
from gateway.storage.outbox import Outbox
from gateway.storage.vault import AesVault
from tests.relay.conftest import Keys

async def main() -> None:
    engine = open_engine(sys.argv[1])
    async with aiohttp.ClientSession() as session:
        signer = Signer(AesVault(sys.argv[2]), Keys())
        sender = Sender(Outbox(engine), signer, session, lambda: datetime.now(UTC))
        await sender.run_once(datetime.now(UTC))
        await sender.drain()

asyncio.run(main())
"""


async def test_nothing_is_lost_in_the_middle_of_sending(house: House, listen: Listen) -> None:
    """Killed while the channel has the event but its answer is not written down: it comes again, with the same id."""
    receiver, world = await listen(), house.world
    hanging = asyncio.Event()

    async def hang_at_first(number: int) -> web.Response:
        if number == 1:
            await hanging.wait()
        return web.Response(status=204)

    receiver.reply = hang_at_first
    ring = "k1:" + "A" * 43 + "="
    house.open_vault(ring)
    world.now = datetime.now(UTC)
    await world.channel(events_url=receiver.url)
    await world.offer()
    command = [sys.executable, "-c", SENDING_CHILD, house.database_url, ring, str(ROOT)]
    child = subprocess.Popen(command)
    try:
        await until(lambda: len(receiver.got) == 1, seconds=30)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        await asyncio.to_thread(child.wait, 10)
    hanging.set()
    world.now = datetime.now(UTC)
    assert await house.send() == 0
    world.now += timedelta(seconds=31)
    assert await house.send() == 1
    first, second = receiver.events
    assert first == second
    [row] = await world.events()
    assert row.state == "delivered"
