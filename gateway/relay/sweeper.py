"""Ends what is due: holds, unpaid orders, keys and assertions that are remembered no longer."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from gateway.core import expiry
from gateway.core.idempotency import RETENTION
from gateway.core.model import Call
from gateway.core.ports import Books
from gateway.relay.ports import Due, Writer

BATCH = 200
PURGE_EVERY = timedelta(minutes=1)


class Sweeper:
    """Safe to run in every replica: a rule looks again whether its row is still due."""

    def __init__(self, due: Due, writer: Writer) -> None:
        self._due = due
        self._writer = writer
        self._purged_at: datetime | None = None

    async def run_once(self, now: datetime) -> int:
        """End at most a batch of holds and of orders, side by side so that they share flights; how many were due."""
        holds = await self._due.due_reservations(now, BATCH)
        orders = await self._due.due_orders(now, BATCH)
        await self._end(now, expiry.expire_reservation, holds)
        await self._end(now, expiry.expire_order, orders)
        if self._purged_at is None or now - self._purged_at >= PURGE_EVERY:
            await self._due.purge_idempotency(now - RETENTION, BATCH)
            await self._due.purge_assertions(now, BATCH)
            self._purged_at = now
        return len(holds) + len(orders)

    async def settle(self, now: datetime) -> None:
        """Go on until nothing is due (TST-007)."""
        while await self.run_once(now):
            pass

    async def _end(self, now: datetime, rule: Callable[[Books, Call, str], bool], ids: Sequence[str]) -> None:
        await asyncio.gather(*(self._one(now, rule, one) for one in ids))

    async def _one(self, now: datetime, rule: Callable[[Books, Call, str], bool], row_id: str) -> bool:
        call = own_call(now)
        return await self._writer.run(lambda books: rule(books, call, row_id))


def own_call(now: datetime) -> Call:
    """What the gateway does by itself: no channel's request, a trace of its own."""
    trace_id = secrets.token_hex(16)
    traceparent = f"00-{trace_id}-{secrets.token_hex(8)}-01"
    return Call("", now, traceparent, trace_id, f"own_{secrets.token_hex(8)}")
