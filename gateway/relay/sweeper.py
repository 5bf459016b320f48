"""Ends what is due: holds, unpaid orders, leases, what is owned or offered for a time; forgets what is old."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from gateway.core import allotments, expiry, ownership, transfers
from gateway.core.idempotency import RETENTION
from gateway.core.model import Call
from gateway.core.ports import Books
from gateway.relay.ports import Due, Writer

log = logging.getLogger(__name__)
Rule = Callable[[Books, Call, str], bool]
BATCH = 200
PURGED = 1000  # rows at once
PURGE_EVERY = timedelta(minutes=1)
PROOFS_KEPT = timedelta(days=1)  # after they ended, for who asks what became of them


class Sweeper:
    """Safe to run in every replica: a rule looks again whether its row is still due."""

    def __init__(self, due: Due, writer: Writer) -> None:
        self._due = due
        self._writer = writer
        self._purged_at: datetime | None = None

    async def run_once(self, now: datetime) -> int:
        """End at most a batch each of what is due, side by side so that they share flights; how many."""
        ended = await self._end(now, expiry.expire_reservation, await self._due.due_reservations(now, BATCH))
        ended += await self._end(now, expiry.expire_order, await self._due.due_orders(now, BATCH))
        ended += await self._end(now, allotments.expire_allotment, await self._due.due_allotments(now, BATCH))
        due = await self._due.due_entitlements(now, BATCH)
        ended += await self._end(now, ownership.expire_entitlement, due)
        ended += await self._end(now, transfers.expire_transfer, await self._due.due_transfers(now, BATCH))
        if self._purged_at is None or now - self._purged_at >= PURGE_EVERY:
            gone = (
                await self._due.purge_idempotency(now - RETENTION, PURGED),
                await self._due.purge_assertions(now, PURGED),
                await self._due.purge_proofs(now, now - PROOFS_KEPT, PURGED),
            )
            if max(gone) < PURGED:  # else there is more, and the next round goes on
                self._purged_at = now
        return ended

    async def settle(self, now: datetime) -> None:
        """Go on until nothing is due (TST-007)."""
        while await self.run_once(now):
            pass

    async def _end(self, now: datetime, rule: Rule, ids: Sequence[str]) -> int:
        return sum(await asyncio.gather(*(self._one(now, rule, one) for one in ids)))

    async def _one(self, now: datetime, rule: Rule, row_id: str) -> bool:
        call = own_call(now)
        try:
            return await self._writer.run(lambda books: rule(books, call, row_id))
        except Exception:  # what one row cannot do must not keep all others from ending
            log.exception("what is due could not be ended", extra={"row_id": row_id})
            return False


def own_call(now: datetime) -> Call:
    """What the gateway does by itself: no channel's request, a trace of its own."""
    trace_id = secrets.token_hex(16)
    traceparent = f"00-{trace_id}-{secrets.token_hex(8)}-01"
    return Call("", now, traceparent, trace_id, f"own_{secrets.token_hex(8)}")
