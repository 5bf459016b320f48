"""Trying again: bounded, with growing pauses and jitter, never before Retry-After (LIM-003, LIM-004)."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from reference_channels.kit.errors import GatewayError, NoAnswer, Problem

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Policy:
    """How long to insist while somebody waits for the answer. All but `tries` in seconds."""

    tries: int = 5
    first_pause: float = 0.2
    longest_pause: float = 4.0
    budget: float = 15.0
    timeout: float = 5.0

    def pause(self, attempt: int, asked: float | None) -> float:
        """Seconds to wait after attempt number `attempt` (from 1): exponential with full jitter, at least
        what was asked."""
        ceiling = min(self.longest_pause, self.first_pause * 2 ** (attempt - 1))
        jitter = random.uniform(ceiling / 2, ceiling)  # noqa: S311 - spreads load, guards nothing
        return max(jitter, asked or 0.0)


def transient(error: GatewayError) -> bool:
    """Whether the same request may be sent again by itself."""
    return isinstance(error, NoAnswer) or (isinstance(error, Problem) and error.transient)


async def insist(attempt: Callable[[], Awaitable[T]], policy: Policy, what: str) -> T:
    """Call `attempt` until it succeeds, fails for good, or the policy is exhausted.

    The attempt must send the SAME idempotency key each time. When Retry-After asks for more time than the
    budget has left, it gives up at once, so that the caller can come back later.

    Raises the last GatewayError.
    """
    started = time.monotonic()
    number = 1
    while True:
        try:
            return await attempt()
        except GatewayError as error:
            pause = policy.pause(number, error.retry_after)
            late = time.monotonic() + pause > started + policy.budget
            if not transient(error) or number >= policy.tries or late:
                raise
            log.info("trying again", extra={"operation": what, "attempt": number, "pause": round(pause, 3)})
        await asyncio.sleep(pause)
        number += 1
