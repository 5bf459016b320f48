"""From paid to fulfilled, or back: the calls whose outcome may stay unknown, and what is done about it
(SEL-010)."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable

from reference_channels.kit.errors import GatewayError, Json, Problem
from reference_channels.kit.tokens import Clock
from reference_channels.trade import intents, orders
from reference_channels.trade.database import Database
from reference_channels.trade.intents import Intent
from reference_channels.trade.link import Link

log = logging.getLogger(__name__)

LONGEST_PAUSE = 300.0
# A gateway keeps idempotency keys for seven days (IDM-007); the same key must not be sent after that.
GIVE_UP_AFTER = 6 * 86400.0
# Refusals which say that there is an order already: look for it.
EXISTS = frozenset({"idempotency_key_reused", "reference_in_use"})


class Placing:
    """Goes on with an intent by one call to the gateway, and stores what came of it."""

    def __init__(self, db: Database, link: Link, clock: Clock) -> None:
        self._db = db
        self._link = link
        self._clock = clock

    async def go_on(self, intent: Intent) -> Intent:
        """Do what the intent's state calls for; where it calls for nothing, answer it as it is."""
        work = {"paid": self._place, "ordered": self._look, "releasing": self._release}.get(intent.state)
        if work is None:
            return intent
        if intent.state == "paid" and self._clock() > intent.created_at + GIVE_UP_AFTER:
            log.error("gave up on a paid intent; somebody must look", extra={"reference": intent.reference})
            return await self._db.run(lambda db: intents.step(db, intent, "give_up", reason="unresolved"))
        return await self.insist(intent, work)

    async def insist(self, intent: Intent, work: Callable[[Intent], Awaitable[Intent]]) -> Intent:
        """Count the try, do it, and put it off when the gateway cannot say yes or no."""
        tried = await self._db.run(lambda db: intents.save(db, intent, tries=intent.tries + 1))
        try:
            return await work(tried)
        except GatewayError as error:
            what = {"state": tried.state, "reference": tried.reference, "problem": str(error)}
            log.warning("the gateway did not do it", extra=what)
            if isinstance(error, Problem) and refused(error) and tried.state in ("opened", "paid"):
                code = error.code
                return await self._db.run(lambda db: orders.refuse(db, tried, code))
            return await self._later(tried, error)

    async def _later(self, intent: Intent, error: GatewayError | None = None) -> Intent:
        """Come back after a growing pause, not before the gateway wants (LIM-003)."""
        pause = min(LONGEST_PAUSE, 2.0 ** min(intent.tries - 1, 10)) * random.uniform(0.5, 1)  # noqa: S311
        if error is not None and error.retry_after is not None:
            pause = max(pause, error.retry_after)
        changes: Json = {"next_try": self._clock() + pause}
        if intent.state == "opened" and isinstance(error, Problem):
            # The buyer is waiting for the hold, and can be told why.
            changes["reason"] = error.code
        return await self._db.run(lambda db: intents.save(db, intent, **changes))

    async def _place(self, intent: Intent) -> Intent:
        """Order with the intent's one key. After a try without an answer, first look whether the order is
        there."""
        client = await self._link.client()
        if intent.tries > 1:
            known = (await client.list_orders(intent.reference))["items"]
            if known:
                return await self._adopt(intent, known[0])
        return await self._adopt(intent, await client.create_order(orders.request(intent), intent.order_key))

    async def _look(self, intent: Intent) -> Intent:
        """See how far the order is; the event usually comes first."""
        client = await self._link.client()
        seen = await self._adopt(intent, await client.get_order(intent.order_id or ""))
        return await self._later(seen) if seen.state == "ordered" else seen

    async def _adopt(self, intent: Intent, order: Json) -> Intent:
        return await self._db.run(lambda db: orders.adopt(db, order)) or intent

    async def _release(self, intent: Intent) -> Intent:
        """Give the hold back (SEL-015); if the answer to the hold never came, find it by reference first."""
        client = await self._link.client()
        holds = [intent.reservation_id]
        if intent.reservation_id is None:
            found = (await client.list_reservations(intent.reference))["items"]
            holds = [hold["id"] for hold in found if hold["status"] == "active"]
        for hold in holds:
            await self._release_one(str(hold))
        return await self._db.run(lambda db: intents.step(db, intent, "release"))

    async def _release_one(self, reservation_id: str) -> None:
        client = await self._link.client()
        try:
            await client.release_reservation(reservation_id)
        except Problem as problem:
            # Whatever final reason the gateway has, there is nothing left to give back.
            if not refused(problem):
                raise


def refused(problem: Problem) -> bool:
    """Whether the gateway said no for good: nothing was done, and asking again would not help (ERR-011)."""
    final = 400 <= problem.status < 500 and problem.status != 401 and not problem.transient
    return final and problem.code not in EXISTS
