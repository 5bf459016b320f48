"""Killed in the middle of a flight, cut off from the database: the books stay right, and what was answered is kept."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.core.errors import ProtocolError
from gateway.core.model import Delivery, HoldCount, Order, Unit
from gateway.core.ports import Books
from gateway.storage.engine.sqlite import SqliteEngine
from gateway.storage.keys import new_entry
from tests.storage.world import open_shop

ROOT = Path(__file__).parents[2]
KILLS = 5
CODES = 900  # at most a thousand in one call


def sell_and_be_killed(arguments: list[str], after: float) -> list[str]:
    """Run the seller, kill it so many seconds after it has begun; the orders whose sale it has reported."""
    command = [sys.executable, "-m", "tests.storage.seller", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.kill()
        reported = process.stdout.read()
    # The last line may have been cut off in the middle.
    whole = reported[: reported.rfind("\n") + 1].splitlines()
    return [line.removeprefix("sold ") for line in whole if line.startswith("sold ")]


async def test_killed_in_mid_flight(database_url: str) -> None:
    """At whatever instant the process dies: every reported sale is there, every code sold once, the books balance."""
    ring = new_entry()
    dice = random.Random(20261123)
    async with open_shop(database_url, ring) as shop:
        channel = await shop.channel()
        offer = await shop.offer(codes=[f"CODE-{n}" for n in range(CODES)])
        arguments = [database_url, ring, channel.id, offer.id]
        promised: set[str] = set()
        for _ in range(KILLS):
            after = dice.uniform(0.01, 0.25)
            promised.update(await asyncio.to_thread(sell_and_be_killed, arguments, after))
            assert await shop.store.audit() == []
            sold = [unit for unit in await shop.rows(Unit) if unit.state == "sold"]
            orders = {row.id for row in await shop.rows(Order)}
            assert promised <= orders
            assert {unit.order_id for unit in sold} == orders
            assert len(await shop.rows(Delivery)) == len(sold) == len(orders)
        assert promised


async def test_a_lost_connection_is_told_and_got_over(database_url: str) -> None:
    """Who waits when the server drops the connection is told to try again, and the next one is served."""
    if database_url.startswith("sqlite"):
        await file_that_breaks(database_url)
        return
    async with open_shop(database_url) as shop, open_shop(database_url) as other:
        await shop.store.run(write("a"))
        async with other.store.engine.transaction() as transaction:
            own = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            where = " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            await transaction.fetch(text(own + where))
        outcomes = await asyncio.gather(
            *(shop.store.run(write(name)) for name in "bcd"), return_exceptions=True
        )
        assert all(outcome is None or is_unavailable(outcome) for outcome in outcomes)
        await shop.store.run(write("e"))
        assert {row.channel_id for row in await shop.rows(HoldCount)} >= {"a", "e"}


async def file_that_breaks(database_url: str) -> None:
    """SQLite has no server: here the connection itself is closed under the store."""
    async with open_shop(database_url) as shop:
        await shop.store.run(write("a"))
        shop.store.engine._writer.close()  # type: ignore[attr-defined]
        outcomes = await asyncio.gather(
            *(shop.store.run(write(name)) for name in "bc"), return_exceptions=True
        )
        assert all(outcome is None or is_unavailable(outcome) for outcome in outcomes)
        await shop.store.run(write("d"))
        assert {row.channel_id for row in await shop.rows(HoldCount)} >= {"a", "d"}


async def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    """Callers are told that it is unavailable, at once, and not left waiting."""
    for url in (f"sqlite:///{tmp_path}/none/vgcp.db", "postgresql://127.0.0.1:1/none"):
        async with open_shop(url) as shop:
            with pytest.raises(ProtocolError) as caught:
                await shop.store.run(write("a"))
            assert is_unavailable(caught.value)


async def test_another_process_holds_the_write_lock(database_url: str) -> None:
    """A flight waits for the transaction of another process that writes the same row, and then goes on from there."""
    async with open_shop(database_url) as shop, open_shop(database_url) as other:
        await shop.store.run(write("a"))
        async with other.store.engine.transaction() as transaction:
            await transaction.run(text("UPDATE hold_counts SET quantity = 5 WHERE channel_id = 'a'"))
            waiting = asyncio.create_task(shop.store.run(write("a")))
            await asyncio.sleep(0.3)
            assert not waiting.done()
            await transaction.commit()
        await waiting
        assert await shop.rows(HoldCount) == [HoldCount("a", "", 6)]


async def test_closed_while_a_commit_is_under_way(tmp_path: Path) -> None:
    """Whoever waited for it was cancelled; its connection is closed all the same only when it has ended."""
    engine = SqliteEngine(f"sqlite:///{tmp_path}/vgcp.db")
    async with engine.transaction() as transaction:
        link = transaction._link
    begun, ended = threading.Event(), []

    def commit() -> None:
        begun.set()
        time.sleep(0.2)
        ended.append(link.execute("SELECT 1").fetchone())

    waiting = asyncio.create_task(engine.in_thread(commit))
    await asyncio.to_thread(begun.wait)
    waiting.cancel()
    await engine.close()
    assert ended == [(1,)]


def write(name: str) -> Callable[[Books], None]:
    """An operation that counts."""

    def run(books: Books) -> None:
        held = books.get(HoldCount, name, "") or HoldCount(name, "", 0)
        books.put(HoldCount(name, "", held.quantity + 1))

    return run


def is_unavailable(outcome: object) -> bool:
    """Whether the caller was told to come back."""
    return isinstance(outcome, ProtocolError) and outcome.code == "unavailable" and outcome.retry_after == 1
