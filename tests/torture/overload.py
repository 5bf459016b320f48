"""More than the gateway can do at once, and more than a moment of it."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from tests.torture.market import Market, as_told, market
from tests.torture.replicas import Replica

LIVE = 15.0  # seconds in which a probe must have its answer, the flood's own lag included


async def flood(database: str, folder: Path, *, at_once: int, rounds: int = 1) -> dict[str, object]:
    """So many orders at once: some are served, the others are told to come again, and nothing else happens."""
    async with AsyncExitStack() as stack:
        gateway = Replica(database, folder, forked=True, validate=False)
        stack.callback(gateway.stop)
        await gateway.ready()
        opened = market(
            database, gateway.url, random.Random(3), codes=10, counted=1_000_000, connections=at_once
        )
        place = await stack.enter_async_context(opened)
        await place.buyers(1)[0].buy(gateway.url)
        probing = asyncio.create_task(probe(gateway.url))
        for _ in range(rounds):
            buyers = place.buyers(at_once)
            await asyncio.gather(*(one.buy(gateway.url) for one in buyers))
        probing.cancel()
        slowest = max(await probing)
        answers = place.shop.ledger.answers.copy()
        assert answers["201"] > 0, answers
        assert answers["unavailable"] > 0, f"nothing was shed: {answers}"
        await place.shop.recover(gateway.url)
        took = await _one_order(place, gateway.url)
        found = await as_told(place)
        assert gateway.alive
        shed = {"served": answers["201"], "shed with 503": answers["unavailable"]}
        return {**found, **shed, "slowest probe (s)": round(slowest, 2), "order after (s)": round(took, 2)}


async def probe(url: str) -> list[float]:
    """Ask whether it lives until cancelled; how long each answer took. Every one must be 200 and in time."""
    took: list[float] = [0.0]
    timeout = aiohttp.ClientTimeout(total=LIVE)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        try:
            while True:
                begun = time.monotonic()
                async with session.get(f"{url}/livez") as answer:
                    assert answer.status == 200
                took.append(time.monotonic() - begun)
                await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            return took


async def _one_order(place: Market, url: str) -> float:
    begun = time.monotonic()
    await place.buyers(1)[0].buy(url)
    return time.monotonic() - begun


def grown(samples: list[int]) -> tuple[float, float]:
    """Megabytes in the third tenth of the samples, and in the last one (medians)."""
    size = max(1, len(samples) // 10)
    early, late = samples[2 * size : 4 * size] or samples[:1], samples[-size:]
    return statistics.median(early) / 2**20, statistics.median(late) / 2**20
