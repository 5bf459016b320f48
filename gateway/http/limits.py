"""How much a client may ask for (LIM-001, LIM-002), and the faults that a sandbox is told to have."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.core.errors import ProtocolError

WINDOW = 60  # seconds
MAX_CLIENTS = 10_000
PUBLIC = 600  # requests a minute from one address, where no token is asked for


@dataclass(slots=True)
class Bucket:
    """`left` requests at the moment `at` (seconds, monotonic)."""

    quota: int
    left: float
    at: float


class RateLimiter:
    """One bucket for each client, refilled steadily; a full bucket is one minute's quota.

    `share` is what this process has of the quota, when several serve the same clients.
    """

    def __init__(self, share: float = 1.0, timer: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._timer = timer
        self._buckets: dict[str, Bucket] = {}

    def take(self, client: str, per_minute: int) -> list[tuple[bytes, bytes]]:
        """Spend one request; the RateLimit headers for the answer. Raises ProtocolError `rate_limited`."""
        quota = max(1, math.ceil(per_minute * self._share))
        now = self._timer()
        bucket = self._bucket(client, quota, now)
        bucket.left = min(float(quota), bucket.left + (now - bucket.at) * quota / WINDOW)
        bucket.at = now
        if bucket.left < 1:
            wait = math.ceil((1 - bucket.left) * WINDOW / quota)
            raise ProtocolError(
                "rate_limited", f"At most {quota} requests a minute.", retry_after=max(1, wait)
            )
        bucket.left -= 1
        left = int(bucket.left)
        full_in = math.ceil((quota - left) * WINDOW / quota)
        return [
            (b"ratelimit", b'"default";r=%d;t=%d' % (left, full_in)),
            (b"ratelimit-policy", b'"default";q=%d;w=%d' % (quota, WINDOW)),
        ]

    def forget(self) -> None:
        """Fill all buckets."""
        self._buckets.clear()

    def _bucket(self, client: str, quota: int, now: float) -> Bucket:
        bucket = self._buckets.get(client)
        if bucket is None or bucket.quota != quota:
            if len(self._buckets) >= MAX_CLIENTS:
                self._drop_full(now)
            bucket = self._buckets[client] = Bucket(quota, float(quota), now)
        return bucket

    def _drop_full(self, now: float) -> None:
        """A bucket that has been idle for a window is full, like one that is not there."""
        self._buckets = {name: one for name, one in self._buckets.items() if now - one.at < WINDOW}


@dataclass(slots=True)
class Fault:
    """The next `count` calls fail with `status`, or lose their answer."""

    count: int
    status: int | None
    drop_answer: bool
    retry_after: int | None


class Faults:
    """What test control has ordered, by operation."""

    CODES = {429: "rate_limited", 500: "internal", 503: "unavailable"}  # noqa: RUF012 - a constant

    def __init__(self) -> None:
        self._by_operation: dict[str, Fault] = {}

    def add(self, operation: str, fault: Fault) -> None:
        """Let the operation fail from now on; takes the place of an earlier order."""
        self._by_operation[operation] = fault

    def clear(self) -> None:
        """No more faults."""
        self._by_operation.clear()

    def strike(self, operation: str) -> bool:
        """Whether this call's answer is to be dropped. Raises the ProtocolError of a status that was ordered."""
        fault = self._by_operation.get(operation)
        if fault is None:
            return False
        fault.count -= 1
        if fault.count <= 0:
            del self._by_operation[operation]
        if fault.status is not None and not fault.drop_answer:
            raise ProtocolError(
                self.CODES[fault.status], "Ordered by test control.", retry_after=fault.retry_after
            )
        return True
