"""What the channel does by itself: finishes what is pending, lets go of what buyers left, keeps up with the
feeds."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from functools import partial

from reference_channels.kit import inbox, sync
from reference_channels.kit.errors import GatewayError, Json
from reference_channels.trade import effects, intents, shelf
from reference_channels.trade.clock import Clock
from reference_channels.trade.database import Database
from reference_channels.trade.intents import Intent
from reference_channels.trade.link import Link
from reference_channels.trade.purchase import Purchases

log = logging.getLogger(__name__)

# A buyer whose hold never came about is gone after so many seconds.
LEFT_AFTER = 900.0
REMEMBER_EVENTS = 30 * 86400.0
TOGETHER = 8


class Worker:
    """One background task; `tick` and `catch_up` can also be called by test control."""

    def __init__(
        self, db: Database, link: Link, clock: Clock, purchases: Purchases, sync_every: float = 30.0
    ) -> None:
        self._db = db
        self._link = link
        self._clock = clock
        self._purchases = purchases
        self._sync_every = sync_every
        self._synced_at: float | None = None
        self._syncing = asyncio.Lock()
        self._gate = asyncio.Semaphore(TOGETHER)

    async def run(self, pause: float = 1.0) -> None:
        """Work until cancelled. No failure ends it."""
        while True:
            try:
                await self.tick()
                await self._sync_when_due()
            except Exception:
                log.exception("the worker stumbled and goes on")
            await asyncio.sleep(pause)

    async def tick(self) -> None:
        """Do everything that is due now."""
        now = self._clock()
        due = await self._db.run(lambda db: intents.due(db, now, now - LEFT_AFTER))
        await asyncio.gather(*(self._go_on(intent) for intent in due))

    async def _go_on(self, intent: Intent) -> None:
        async with self._gate:
            if intent.state == "held":
                await self._purchases.cancel(intent.id, "hold_expired")
            elif intent.state == "opened":
                await self._purchases.cancel(intent.id, "abandoned")
            else:
                await self._purchases.advance(intent.id)

    async def _sync_when_due(self) -> None:
        now = time.monotonic()
        if self._link.connection is None or (self._synced_at and now - self._synced_at < self._sync_every):
            return
        try:
            await self.catch_up()
        except GatewayError as error:
            log.warning("could not catch up", extra={"problem": str(error)})

    async def catch_up(self) -> None:
        """Read the offer feed and the event feed to their ends (CAT-009, EVT-016).

        Raises GatewayError; what was read by then has taken effect.
        """
        self._synced_at = time.monotonic()  # whoever asked for it, the worker's own next one can wait
        async with self._syncing:
            client = await self._link.client()
            offers = await sync.catch_up("offers", client.list_offers, shelf.apply_feed, self._db.run)
            events = 0
            if client.offers("events"):
                take = partial(_take, now=self._clock())
                events = await sync.catch_up("events", client.list_events, take, self._db.run)
            await self._db.run(lambda db: inbox.forget_before(db, self._clock() - REMEMBER_EVENTS))
        if offers or events:
            log.info("caught up", extra={"offers": offers, "events": events})

    def quiet(self) -> asyncio.Lock:
        """Hold this to keep the worker from reading feeds, for example while the gateway is changed."""
        return self._syncing

    def sync_soon(self) -> None:
        """Catch up at the next round, for example with a new gateway."""
        self._synced_at = None


def _take(db: sqlite3.Connection, events: list[Json], *, now: float) -> None:
    for event in events:
        effects.receive(db, event, now)
