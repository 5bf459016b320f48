"""Killed at random instants under load: gateways, and PostgreSQL itself."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from tests.torture.market import Market, as_told, audit_command, balanced, market
from tests.torture.places import Postgres, answers
from tests.torture.replicas import Replica

BUYERS = 8
COMMAND_EVERY = 20  # restarts after which the audit is the command, not only what it calls
Progress = Callable[[str], None]


async def gateways_killed(
    database: str, folder: Path, *, kills: int, seed: int, forked: bool = True, say: Progress = lambda _: None
) -> dict[str, object]:
    """Kill the gateway so many times in the middle of trade; after each restart everything is as it was told."""
    dice = random.Random(seed)
    lost = 0
    async with AsyncExitStack() as stack:
        spare = Replica(database, folder, forked=forked)
        stack.callback(lambda: spare.stop())
        current = await spare.ready()
        place = await stack.enter_async_context(
            market(database, current.url, dice, codes=900, counted=100_000)
        )
        for count in range(1, kills + 1):
            spare = Replica(database, folder, forked=forked)
            lost += await _until_killed(place, current, dice)
            current = await spare.ready()
            place.urls[:] = [current.url]
            await balanced(database)
            await place.shop.recover(current.url)
            if count % COMMAND_EVERY == 0:
                await asyncio.to_thread(audit_command, database)
                say(f"{count} of {kills} kills")
            if count % 5 == 0:
                await place.restock(100)
        await asyncio.to_thread(audit_command, database)
        found = await as_told(place)
        assert found["orders"] > kills, "too little was sold for this to prove anything"
    return {"kills": kills, **found, "unanswered and recovered": lost}


async def _until_killed(place: Market, current: Replica, dice: random.Random) -> int:
    """Trade, and kill at a random instant; how many requests had no answer."""
    trading = asyncio.create_task(place.trade(BUYERS, time.monotonic() + 3600))
    await asyncio.sleep(dice.uniform(0.02, 0.5))
    current.kill()
    await asyncio.sleep(0.05)
    trading.cancel()
    await asyncio.gather(trading, return_exceptions=True)
    return len(place.shop.ledger.open)


async def database_killed(
    server: Postgres, database: str, folder: Path, *, kills: int, seed: int, say: Progress = lambda _: None
) -> dict[str, object]:
    """Kill PostgreSQL's postmaster in the middle of trade and start it again; the gateway stays up and goes on."""
    dice = random.Random(seed)
    async with AsyncExitStack() as stack:
        gateway = Replica(database, folder, forked=True)
        stack.callback(gateway.stop)
        await gateway.ready()
        place = await stack.enter_async_context(
            market(database, gateway.url, dice, codes=900, counted=100_000)
        )
        for count in range(1, kills + 1):
            trading = asyncio.create_task(place.trade(BUYERS, time.monotonic() + 3600))
            await asyncio.sleep(dice.uniform(0.3, 1.0))
            server.kill()
            await asyncio.sleep(dice.uniform(0.1, 0.5))
            await asyncio.to_thread(server.start)
            await answers(database)
            await asyncio.sleep(0.2)
            trading.cancel()
            await asyncio.gather(trading, return_exceptions=True)
            assert gateway.alive, "the gateway did not outlive its database"
            await balanced(database)
            await place.shop.recover(gateway.url)
            say(f"{count} of {kills} kills of PostgreSQL")
        await asyncio.to_thread(audit_command, database)
        refused = place.shop.ledger.answers["unavailable"]
        found = await as_told(place)
    return {"kills": kills, **found, "answered 503": refused}
