"""What fails and comes back: the database frozen or gone, a full disk, a clock that is set back."""

from __future__ import annotations

import asyncio
import random
import resource
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from tests.fixtures.gateway import in_process
from tests.torture.market import Market, as_told, audit_command, balanced, market
from tests.torture.places import Postgres, fill, small_disk
from tests.torture.replicas import Replica

BUYERS = 12
RECOVERY = 20.0  # seconds in which trade must go on after the trouble
PATIENT = 12.0  # seconds after which a caller must have been told something
MOST_ROUNDS = (
    20  # of trade until the trouble is met: a slow machine does not fill what is left of a disk at once
)


class Trouble:
    """Trade before, during and after something that fails, at a gateway that nobody restarts."""

    def __init__(self, place: Market) -> None:
        self.place = place
        self.ledger = place.shop.ledger

    async def trade(self, seconds: float) -> Counter[str]:
        """So many seconds of it; the answers."""
        before = self.ledger.answers.copy()
        await self.place.trade(BUYERS, time.monotonic() + seconds)
        return self.ledger.answers - before

    async def through(
        self, begin: Callable[[], Awaitable[None]], end: Callable[[], Awaitable[None]], seconds: float
    ) -> dict[str, object]:
        """Trade, trouble, trade; the figures of it. The trouble must be told in time and as 503, and pass by itself."""
        before = await self.trade(1.5)
        assert before["201"] > 0
        self.ledger.took.clear()
        during = await self.trade(0.5)
        beginning = asyncio.ensure_future(begin())
        while not beginning.done():
            during += await self.trade(0.2)
        await beginning
        for _ in range(MOST_ROUNDS):
            during += await self.trade(seconds)
            if during["unavailable"]:
                break
        await end()
        assert during["unavailable"] > 0, during
        slowest = max(self.ledger.took)
        assert slowest < PATIENT, f"somebody waited {slowest:.1f} s"
        took = await self._recovered()
        await self.place.shop.recover(self.place.urls[0])
        after = await self.trade(1.5)
        assert after["201"] > 0, after
        await self.place.shop.recover(self.place.urls[0])
        found = await as_told(self.place)
        told = {"answered 503": during["unavailable"] + during["read 503"]}
        return {**found, **told, "slowest answer (s)": round(slowest, 1), "well after (s)": round(took, 1)}

    async def _recovered(self) -> float:
        begun = time.monotonic()
        while time.monotonic() - begun < RECOVERY:
            answers = await self.trade(0.2)
            if answers["201"] > 0 and answers["unavailable"] == 0:
                return time.monotonic() - begun
        raise AssertionError(f"trade did not go on within {RECOVERY} s")


async def database_frozen(server: Postgres, folder: Path, seconds: float) -> dict[str, object]:
    """SIGSTOP to PostgreSQL: connections stay open, and nothing answers."""
    frozen = []

    async def begin() -> None:
        frozen.extend(server.freeze())

    async def end() -> None:
        server.thaw(frozen)

    return await _at_a_gateway(server.url(), folder, lambda one: one.through(begin, end, seconds))


async def database_gone(server: Postgres, folder: Path, seconds: float) -> dict[str, object]:
    """SIGKILL to PostgreSQL, which comes back after so many seconds."""

    async def begin() -> None:
        server.kill()

    async def end() -> None:
        await asyncio.to_thread(server.start)

    return await _at_a_gateway(server.url(), folder, lambda one: one.through(begin, end, seconds))


async def disk_full(folder: Path, seconds: float, mount: bool = True) -> dict[str, object]:
    """SQLite on a disk that is full for a while; where we may not mount one, under a limit on the file's size."""
    with small_disk(64 if mount else 0) as disk:
        database = f"sqlite:///{disk or folder}/full.db"
        async with AsyncExitStack() as stack:
            gateway = Replica(database, folder, forked=True)
            stack.callback(gateway.stop)
            await gateway.ready()
            opened = market(database, gateway.url, random.Random(1), codes=900, counted=100_000)
            one = Trouble(await stack.enter_async_context(opened))

            async def begin() -> None:
                if disk is not None:
                    fill(disk)
                else:
                    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (1 << 16, resource.RLIM_INFINITY))

            async def end() -> None:
                if disk is not None:
                    (disk / "ballast").unlink()
                else:
                    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
                    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, unlimited)

            found = await one.through(begin, end, seconds)
            audit_command(database)
        return {**found, "how": "a tmpfs of 64 MB" if disk else "RLIMIT_FSIZE on the gateway"}


async def postgres_disk_full(folder: Path, seconds: float) -> dict[str, object] | None:
    """PostgreSQL on a full disk: it may end itself, and is started again when there is room. None without a disk."""
    with small_disk(220) as disk:
        if disk is None:
            return None
        home = disk / "pg"
        home.mkdir()
        server = Postgres(home)
        try:

            async def begin() -> None:
                fill(disk)

            async def end() -> None:
                (disk / "ballast").unlink()
                await asyncio.to_thread(server.start)

            return await _at_a_gateway(server.url(), folder, lambda one: one.through(begin, end, seconds))
        finally:
            server.stop()


async def _at_a_gateway(
    database: str, folder: Path, work: Callable[[Trouble], Awaitable[dict[str, object]]]
) -> dict[str, object]:
    async with AsyncExitStack() as stack:
        gateway = Replica(database, folder, forked=True)
        stack.callback(gateway.stop)
        await gateway.ready()
        opened = market(database, gateway.url, random.Random(1), codes=900, counted=100_000)
        found = await work(Trouble(await stack.enter_async_context(opened)))
        assert gateway.alive
        await asyncio.to_thread(audit_command, database)
        return found


async def clock_set_back(database: str, clock: object, hours: int, seconds: float) -> dict[str, object]:
    """The gateway's clock (`clock`, which it must have been given) goes back while it trades, and forward again.

    Then a second gateway starts on the same books while the clock is behind what is written there.
    """
    back = getattr(clock, "advance")  # noqa: B009 - the port has it, in whole seconds
    with in_process(database) as gateway:
        async with market(database, gateway.url, random.Random(2), codes=900, counted=100_000) as place:
            one = Trouble(place)
            assert (await one.trade(seconds))["201"] > 0
            back(-3600 * hours)
            assert (await one.trade(seconds))["201"] > 0
            await balanced(database)
            with in_process(database) as second:
                place.urls[:] = [second.url]
                assert (await one.trade(seconds))["201"] > 0
            back(3600 * hours)
            place.urls[:] = [gateway.url]
            assert (await one.trade(seconds))["201"] > 0
            await place.shop.recover(gateway.url)
            assert one.ledger.answers["unavailable"] == 0
            return {**await as_told(place, may_expire=True), "hours back": hours}
