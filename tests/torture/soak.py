"""`make soak`: trade for a long time, and look at the gateway's memory."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from tests.torture.concurrency import restocked
from tests.torture.market import as_told, audit_command, market
from tests.torture.overload import grown
from tests.torture.places import own_postgresql
from tests.torture.replicas import Replica

BUYERS = 16
SAMPLE = 1.0  # seconds
ALLOWED = 16.0  # megabytes: caches that are bounded may still be filling


async def soak(
    database: str, folder: Path, *, minutes: float, say: Callable[[str], None] = lambda _: None
) -> dict[str, object]:
    """Mixed trade for so many minutes; the memory in the third tenth of the time and in the last one."""
    samples: list[int] = []
    async with AsyncExitStack() as stack:
        gateway = Replica(database, folder, validate=False)
        stack.callback(gateway.stop)
        await gateway.ready()
        opened = market(database, gateway.url, random.Random(10), codes=900, counted=1_000_000)
        place = await stack.enter_async_context(opened)
        begun = time.monotonic()
        until = begun + 60 * minutes
        trading = asyncio.gather(place.trade(BUYERS, until), restocked(place.restock, until))
        told = begun
        while not trading.done():
            samples.append(gateway.memory())
            if time.monotonic() - told > 30:
                told = time.monotonic()
                say(f"{(told - begun) / 60:.1f} of {minutes:g} minutes: {samples[-1] / 2**20:.0f} MB, "
                    f"{len(place.shop.ledger.orders):,} orders")  # fmt: skip
            await asyncio.sleep(SAMPLE)
        await trading
        await place.shop.recover(gateway.url)
        early, late = grown(samples)
        assert late - early < ALLOWED, f"memory grew from {early:.1f} to {late:.1f} MB"
        found = await as_told(place, may_expire=True)
        await asyncio.to_thread(audit_command, database)
    return {**found, "minutes": minutes, "MB early": round(early, 1), "MB late": round(late, 1)}


def main() -> int:
    """On a PostgreSQL of its own."""
    options = argparse.ArgumentParser(description="Trade for a long time, and look at the gateway's memory.")
    options.add_argument("--minutes", type=float, default=10.0)
    minutes = options.parse_args().minutes
    folder = Path(tempfile.mkdtemp(prefix="vgcp-soak-"))
    with own_postgresql() as server:
        work = soak(server.url(), folder, minutes=minutes, say=lambda line: print("soak:", line, flush=True))
        try:
            found = asyncio.run(work)
        except AssertionError as error:
            print("soak: FAILED:", error)
            return 1
    print("soak: passed:", ", ".join(f"{name} {value}" for name, value in found.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
