"""Many buyers at several gateways on one PostgreSQL, and a stock that is always about to run out."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack
from pathlib import Path

from tests.torture.market import as_told, audit_command, market
from tests.torture.places import left_waiting
from tests.torture.replicas import Replica

RESTOCK = 0.5  # seconds between two deliveries of codes
ROUNDS = 10  # at most, until a slow machine has sold all there was


async def rush(
    database: str, folder: Path, *, seconds: float, buyers: int = 64, replicas: int = 3, forked: bool = True
) -> dict[str, object]:
    """Mixed trade for so many seconds, and until the stock has run out; figures. AssertionError for what is wrong."""
    gateways = [Replica(database, folder, forked=forked) for _ in range(replicas)]
    async with AsyncExitStack() as stack:
        for one in gateways:
            stack.callback(one.stop)
        urls = [(await one.ready()).url for one in gateways]
        opened = market(database, urls[0], random.Random(64), codes=200, counted=200)
        place = await stack.enter_async_context(opened)
        place.urls[:] = urls
        answers, visits = place.shop.ledger.answers, 0
        for _ in range(ROUNDS):
            until = time.monotonic() + seconds
            made, _ = await asyncio.gather(place.trade(buyers, until), restocked(place.restock, until))
            visits += made
            if answers["out_of_stock"]:
                break
        await place.shop.recover(urls[1 % replicas])
        await asyncio.sleep(1.2)
        waiting, idle, deadlocks = await left_waiting(database)
        assert (waiting, idle) == (0, 0), "something still waits for a lock"
        found = await as_told(place)
        assert audit_command(database)["balanced"]
        refused = answers["out_of_stock"]
        assert refused > 0, "the stock never ran out, so nothing was proved"
        return {**found, "visits": visits, "refused for stock": refused, "deadlocks": deadlocks}


async def restocked(restock: object, until: float) -> None:
    """A few codes now and then."""
    while time.monotonic() < until:
        await asyncio.sleep(RESTOCK)
        await restock(10)  # type: ignore[operator]
