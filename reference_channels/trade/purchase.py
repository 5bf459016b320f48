"""The one order path, for the pages and for test control alike (TST-008): hold, pay, order, reveal.

Each step stores what it is about to do before it calls, and what came of it after. Whatever is lost
between, `advance` picks it up: on the next press, by the background worker, or after a restart.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
import weakref
from functools import partial

from reference_channels.kit import trace
from reference_channels.kit.errors import Json, timestamp
from reference_channels.kit.tokens import Clock
from reference_channels.trade import intents, orders, selling, shelf
from reference_channels.trade.database import Database
from reference_channels.trade.intents import Intent, WrongStateError
from reference_channels.trade.link import Link
from reference_channels.trade.placing import Placing
from reference_channels.trade.selling import Wish

HOLD_SECONDS = 600
# The channel stops taking money a little before the gateway lets go of the hold.
MARGIN = 5


class Purchases:
    """Moves intents along. One step at a time for each intent, however many presses come at once
    (SEL-009)."""

    def __init__(self, db: Database, link: Link, clock: Clock) -> None:
        self._db = db
        self._link = link
        self._clock = clock
        self._placing = Placing(db, link, clock)
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def find(self, intent_id: str) -> Intent | None:
        """The intent as it is now."""
        return await self._db.run(lambda db: intents.find(db, intent_id))

    async def open(self, wish: Wish) -> Intent:
        """Note the buyer's intent, once; with its keys, before anything is sent. Refused wishes are closed
        at once."""
        mine = (trace.current.get() or trace.new_trace()).trace_id
        return await self._db.run(partial(_open, wish=wish, trace_id=mine, now=self._clock()))

    async def hold(self, intent_id: str) -> Intent:
        """Have the gateway keep the stock, before any money is taken (SEL-006). Answers how far it came."""
        async with self._alone(intent_id) as intent:
            if intent.state != "opened" or self._clock() < intent.next_try:
                return intent
            try:
                return await self._placing.insist(intent, self._hold)
            except WrongStateError:
                return await self.find(intent.id) or intent

    async def _hold(self, intent: Intent) -> Intent:
        request = {
            "offer_id": intent.offer_id,
            "quantity": intent.quantity,
            "buyer": orders.buyer(intent),
            "reference": intent.reference,
            "ttl_seconds": HOLD_SECONDS,
        }
        asked_at = self._clock()
        held = await (await self._link.client()).create_reservation(request, intent.hold_key)
        # Only the length of the hold is taken from the gateway, as its clock need not be ours.
        life = timestamp(held["expires_at"]) - timestamp(held["created_at"])
        changes = {
            "reservation_id": held["id"],
            "unit_amount": held["unit_price"]["amount"],
            "currency": held["unit_price"]["currency"],
            "reason": None,
            "hold_until": asked_at + max(life - MARGIN, life / 2),
        }
        return await self._db.run(lambda db: intents.step(db, intent, "hold", **changes))

    async def pay(self, intent_id: str, payment_reference: str, recipient_key: Json | None = None) -> Intent:
        """The buyer's money is there: store that, then order. Pressed again, it only goes on where it
        stands.

        `recipient_key` goes with the order where the gateway seals, and nowhere else (DLV-034).
        """
        async with self._alone(intent_id) as intent:
            if intent.state == "held":
                key = json.dumps(recipient_key) if recipient_key and await self._link.seals() else None
                intent = await self._take_money(intent, payment_reference, key)
            return await self._advance(intent)

    async def _take_money(self, intent: Intent, payment_reference: str, key: str | None) -> Intent:
        if intent.hold_until is not None and self._clock() >= intent.hold_until:
            return await self._db.run(lambda db: intents.step(db, intent, "abandon", reason="hold_expired"))
        paid = {"payment": "collected", "payment_reference": payment_reference, "recipient_key": key}
        return await self._db.run(lambda db: intents.step(db, intent, "pay", **paid))

    async def cancel(self, intent_id: str, reason: str) -> Intent:
        """The buyer leaves without paying: give the hold back (SEL-015)."""
        async with self._alone(intent_id) as intent:
            if intent.state not in ("opened", "held"):
                return intent
            left = await self._db.run(lambda db: intents.step(db, intent, "abandon", reason=reason))
            return await self._advance(left)

    async def advance(self, intent_id: str) -> Intent:
        """Go on with what is due: an unknown outcome, an order on its way, a hold to give back."""
        async with self._alone(intent_id) as intent:
            return await self._advance(intent)

    async def _advance(self, intent: Intent) -> Intent:
        if self._clock() < intent.next_try:
            return intent
        try:
            moved = await self._placing.go_on(intent)
            if moved.state == "releasing" != intent.state:
                # Refused: what was held is given back at once, not at the worker's next round.
                moved = await self._placing.go_on(moved)
            return moved
        except WrongStateError:
            # An event said it first.
            return await self.find(intent.id) or intent

    def _alone(self, intent_id: str) -> _Alone:
        lock = self._locks.get(intent_id)
        if lock is None:
            lock = self._locks[intent_id] = asyncio.Lock()
        return _Alone(lock, self, intent_id)


class _Alone:
    """Nobody else moves this intent meanwhile, and every call made is of its trace (TRC-007)."""

    def __init__(self, lock: asyncio.Lock, purchases: Purchases, intent_id: str) -> None:
        self._lock = lock
        self._purchases = purchases
        self._intent_id = intent_id

    async def __aenter__(self) -> Intent:
        await self._lock.acquire()
        try:
            intent = await self._purchases.find(self._intent_id)
            if intent is None:
                raise KeyError(self._intent_id)
        except BaseException:
            self._lock.release()
            raise
        self._token = trace.current.set(trace.new_trace(intent.trace_id))
        return intent

    async def __aexit__(self, *_: object) -> None:
        trace.current.reset(self._token)
        self._lock.release()


def _open(db: sqlite3.Connection, *, wish: Wish, trace_id: str, now: float) -> Intent:
    known = intents.find(db, wish.intent_id)
    if known is not None:
        return known
    offer = shelf.on_sale(db, wish.offer_id)
    reason = selling.refusal(offer, wish)
    price: Json = offer["price"] if offer else {"amount": 0, "currency": "XXX"}
    intent = Intent(
        id=wish.intent_id,
        reference=f"buy-{secrets.token_hex(12)}",
        hold_key=f"hold-{secrets.token_hex(16)}",
        order_key=f"order-{secrets.token_hex(16)}",
        trace_id=trace_id,
        buyer=wish.buyer,
        offer_id=wish.offer_id,
        offer=json.dumps(offer or shelf.find(db, wish.offer_id) or {}),
        quantity=wish.quantity,
        buyer_input=json.dumps(wish.buyer_input),
        seen_amount=price["amount"],
        currency=price["currency"],
        created_at=now,
        region=wish.region,
        locale=wish.locale,
        state="closed" if reason else "opened",
        reason=reason,
    )
    intents.insert(db, intent)
    return intent
