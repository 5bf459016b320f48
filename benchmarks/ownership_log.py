"""What the log of ownership costs: an append and its merge, and proofs from logs of 10,000 and 1,000,000 entries.

    python -m benchmarks.ownership_log [DATABASE_URL] [SIZE …]

Entries are written by the gateway's own rule in flights, and merged by its own job. Without a URL it is a SQLite file.
"""

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from gateway.core import merkle, ownership_log
from gateway.core.model import Call
from gateway.core.ports import Books
from gateway.storage.keys import new_entry
from gateway.storage.migrate import upgrade
from gateway.storage.store import Store
from gateway.storage.vault import AesVault

SIZES = (10_000, 1_000_000)
FLIGHT = 5000  # entries of one operation while the log is filled
PROOFS = 500


async def fill(store: Store, size: int) -> tuple[float, float]:
    """Grow the log to this size; microseconds an entry to write and to merge."""
    call = Call("", datetime.now(UTC), "", "0" * 32, "req_1")
    had = (await store.ownership_log.head()).tree_size
    wrote = merged = 0.0
    for first in range(had, size, FLIGHT):

        def rule(books: Books, first: int = first) -> None:
            for number in range(first, min(first + FLIGHT, size)):
                owner = ownership_log.commit_to(number.to_bytes(16), "buy_1")
                ownership_log.append(books, call, f"ent_{number:026d}", ownership_log.ISSUED, owner)

        began = time.perf_counter()
        await store.run(rule)
        wrote += time.perf_counter() - began
        began = time.perf_counter()
        while await store.ownership_log.merge(call.now, 2000):
            pass
        merged += time.perf_counter() - began
    return wrote / (size - had) * 1e6, merged / (size - had) * 1e6


async def timed(work: Callable[[], Awaitable[Any]]) -> tuple[float, Any]:
    """Milliseconds, and the result."""
    began = time.perf_counter()
    result = await work()
    return (time.perf_counter() - began) * 1e3, result


async def prove(store: Store, size: int) -> list[str]:
    """A line for each kind of proof: median and slowest of many, and their size."""
    dice, tree = random.Random(1), store.ownership_log
    leaves = [(await tree.entries(dice.randrange(size), 1))[0].leaf_hash for _ in range(PROOFS)]
    inclusion = [await timed(lambda leaf=leaf: tree.inclusion(leaf, size)) for leaf in leaves]  # type: ignore[misc]
    sizes = [dice.randrange(1, size) for _ in range(PROOFS)]
    growth = [await timed(lambda first=first: tree.consistency(first, size)) for first in sizes]  # type: ignore[misc]
    lines = []
    for name, found in (("inclusion", [(t, p[1]) for t, p in inclusion]), ("consistency", growth)):
        times = sorted(one[0] for one in found)
        longest = max(len(proof) for _, proof in found)
        lines.append(
            f"{size:>9,} entries, {name}: {statistics.median(times):.2f} ms (p99 {times[-6]:.2f}),"
            f" at most {longest} hashes, {longest * len(merkle.EMPTY_ROOT)} bytes"
        )
    return lines


async def measure(database: str, sizes: list[int]) -> None:
    """Fill and prove, for each size."""
    store = Store(database, AesVault(new_entry()))
    for size in sizes:
        wrote, merged = await fill(store, size)
        print(f"{size:>9,} entries: {wrote:.0f} µs to write, {merged:.0f} µs to merge an entry")
        print("\n".join(await prove(store, size)), flush=True)
    await store.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        url = next((one for one in sys.argv[1:] if "://" in one), f"sqlite:///{folder}/log.db")
        upgrade(url)
        asyncio.run(measure(url, [int(one) for one in sys.argv[1:] if one.isdigit()] or [*SIZES]))
