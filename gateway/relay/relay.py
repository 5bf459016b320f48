"""The relay's two loops under one roof: started, woken by commits, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from gateway.relay.sender import Clock, Sender
from gateway.relay.sweeper import Sweeper

log = logging.getLogger(__name__)
SHORTEST = 0.02  # seconds between two rounds, so that a busy gateway's commits are worked off together
IDLE = (
    1.0  # seconds after which a loop looks by itself: for what other processes wrote, and for what falls due
)


class Loop:
    """Runs `work` again and again: at once when woken, else after `idle` seconds. An error is logged and waited out."""

    def __init__(self, name: str, work: Callable[[], Awaitable[int]], idle: float = IDLE) -> None:
        self._name = name
        self._work = work
        self._idle = idle
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def __aenter__(self) -> Loop:
        """It runs while the block lasts."""
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def wake(self) -> None:
        """There is something to do."""
        self._woken.set()

    async def stop(self) -> None:
        """End it, in the middle of a round if need be; every round leaves the books right at every instant."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                done = await self._work()
            except Exception:  # the database may be away for a while; the loop must outlive that
                log.exception("a round failed", extra={"loop": self._name})
                done = 0
                await asyncio.sleep(self._idle)
            await asyncio.sleep(SHORTEST)
            if not done:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), self._idle)


class Relay:
    """Sender and sweeper of one process. `wake` is what the combiner calls after each commit."""

    def __init__(self, sender: Sender, sweeper: Sweeper, clock: Clock, idle: float = IDLE) -> None:
        self._sender = sender
        self._sweeper = sweeper
        self._clock = clock
        self._sending = Loop("sender", lambda: sender.run_once(clock()), idle)
        self._loops = [self._sending, Loop("sweeper", lambda: sweeper.run_once(clock()), idle)]
        sender.when_free(self._sending.wake)

    def start(self) -> None:
        """Begin all loops; needs a running event loop."""
        for loop in self._loops:
            loop.start()

    def wake(self) -> None:
        """Something was committed that may have to be sent: send it now."""
        self._sending.wake()

    async def settle(self) -> None:
        """Have done what is due now before this returns (TST-007)."""
        await self._sweeper.settle(self._clock())
        self.wake()

    async def stop(self) -> None:
        """End the loops; what is being sent may end for a little while."""
        for loop in self._loops:
            await loop.stop()
        await self._sender.close()
