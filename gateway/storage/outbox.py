"""What the relay needs: events to be sent, and what has fallen due."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Table, bindparam, delete, exists, select, text, tuple_

from gateway.core.model import Channel, Event
from gateway.storage import due
from gateway.storage.engine.base import Engine
from gateway.storage.queries import CHANNELS
from gateway.storage.tables import (
    allotments,
    assertions,
    channels,
    entitlements,
    events,
    idempotency,
    identifiers,
    link_codes,
    links,
    mails,
    orders,
    proof_counts,
    reservations,
    transfers,
)

NOW: Any = bindparam("now")
LIMIT: Any = bindparam("limit")
CHANNEL: Any = bindparam("channel_id")

# Written out: SQLite plans a statement before it knows its parameters, and takes a partial index only for what it sees
# to be in it.
PENDING, ACTIVE, UNPAID = text("'pending'"), text("'active'"), text("'payment_required'")
_DUE = (events.c.state == PENDING, events.c.next_attempt_at <= NOW)
CHANNELS_DUE = select(channels.c.id).where(exists().where(events.c.channel_id == channels.c.id, *_DUE))
CLAIM = due.claim(events, events.c.channel_id == CHANNEL, *_DUE)
RECORD = due.record(events, "event_id", events.c.state == "pending")
DUE_HOLDS = (
    select(reservations.c.id)
    .where(reservations.c.status == ACTIVE, reservations.c.expires_at <= NOW, ~reservations.c.internal)
    .order_by(reservations.c.expires_at)
    .limit(LIMIT)
)
DUE_ORDERS = (
    select(orders.c.id)
    .where(orders.c.status == UNPAID, orders.c.payment_due_at <= NOW)
    .order_by(orders.c.payment_due_at)
    .limit(LIMIT)
)
DUE_ALLOTMENTS = (
    select(allotments.c.id)
    .where(text("status <> 'ended'"), allotments.c.expires_at <= NOW)
    .order_by(allotments.c.expires_at)
    .limit(LIMIT)
)
DUE_ENTITLEMENTS = (
    select(entitlements.c.id)
    .where(
        text("expires_at IS NOT NULL AND status IN ('active', 'suspended')"), entitlements.c.expires_at <= NOW
    )
    .order_by(entitlements.c.expires_at)
    .limit(LIMIT)
)
DUE_TRANSFERS = (
    select(transfers.c.id)
    .where(text("status = 'offered'"), transfers.c.expires_at <= NOW)
    .order_by(transfers.c.expires_at)
    .limit(LIMIT)
)


def _purge(table: Table, column: Any, *conditions: Any) -> Any:
    key = tuple_(*table.primary_key.columns)
    old = select(*table.primary_key.columns).where(column <= bindparam("before"), *conditions)
    return (
        delete(table)
        .where(key.in_(old.order_by(column).limit(LIMIT)))
        .returning(table.primary_key.columns[0])
    )


OLD_IDEMPOTENCY = _purge(idempotency, idempotency.c.created_at)
OLD_ASSERTIONS = _purge(assertions, assertions.c.expires_at)
# Written out, so that both databases take the partial indexes.
_ENDED = (text("status = 'ended'"), links.c.ended_at <= bindparam("before"))
_LEFT = select(links.c.identifier_id).where(*_ENDED).order_by(links.c.ended_at).limit(LIMIT)
OLD_PROOFS = (
    # what nobody has proved any more, by the links that are forgotten next
    delete(identifiers)
    .where(identifiers.c.sealed.is_(None), identifiers.c.id.in_(_LEFT))
    .returning(identifiers.c.id),
    _purge(links, links.c.expires_at, text("status = 'pending'")),
    _purge(links, links.c.ended_at, text("status = 'ended'")),
    _purge(link_codes, link_codes.c.expires_at),
    _purge(proof_counts, proof_counts.c.last_at),
)
OLD_MAILS = _purge(mails, mails.c.expires_at)


class Attempt(Protocol):
    """What one try to send an event came to."""

    @property
    def event_id(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def attempts(self) -> int: ...
    @property
    def next_attempt_at(self) -> datetime: ...
    @property
    def last_error(self) -> str | None: ...


class Outbox:
    """Small transactions of their own, beside the flights."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def claim_events(
        self, now: datetime, lease_until: datetime, limit: int, per_channel: int, skip: Collection[str]
    ) -> Sequence[Event]:
        """Pending events that are due by `now`, leased: nobody else gets them before `lease_until`.

        The longest due first, at most `per_channel` of one channel, none of the channels in `skip`.
        """
        due = await self._engine.read(CHANNELS_DUE, {"now": now})
        waiting = [row[0] for row in due if row[0] not in skip]
        if not waiting:
            return []
        claimed: list[Any] = []
        async with self._engine.transaction() as transaction:
            for channel_id in waiting:
                count = min(per_channel, limit - len(claimed))
                if count <= 0:
                    break
                wanted = {"channel_id": channel_id, "now": now, "limit": count, "lease_until": lease_until}
                claimed += await transaction.fetch_rows(Event, CLAIM, wanted)
            await transaction.commit()
        return sorted(claimed, key=lambda event: event.id)

    async def record_attempts(self, attempts: Sequence[Attempt]) -> None:
        """Write these outcomes to their events, in one transaction; nothing else of the rows changes."""
        if not attempts:
            return
        async with self._engine.transaction() as transaction:
            for attempt in sorted(attempts, key=lambda one: one.event_id):
                values = {
                    "event_id": attempt.event_id,
                    "state_now": attempt.state,
                    "attempts_now": attempt.attempts,
                    "again_at": attempt.next_attempt_at,
                    "error": attempt.last_error,
                }
                await transaction.fetch(RECORD, values)
            await transaction.commit()

    async def channels_by_id(self, channel_ids: Collection[str]) -> dict[str, Channel]:
        """These channels, whoever asks."""
        found = await self._engine.rows(Channel, CHANNELS)
        return {channel.id: channel for channel in found if channel.id in channel_ids}

    async def due_reservations(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of active holds of channels with expires_at <= now, oldest first."""
        return [row[0] for row in await self._engine.read(DUE_HOLDS, {"now": now, "limit": limit})]

    async def due_orders(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of orders that wait for a payment that was due by now, oldest first."""
        return [row[0] for row in await self._engine.read(DUE_ORDERS, {"now": now, "limit": limit})]

    async def due_allotments(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of leases with something left and expires_at <= now, oldest first."""
        return [row[0] for row in await self._engine.read(DUE_ALLOTMENTS, {"now": now, "limit": limit})]

    async def due_entitlements(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of entitlements whose time is over by now and that are not expired yet, oldest first."""
        return [row[0] for row in await self._engine.read(DUE_ENTITLEMENTS, {"now": now, "limit": limit})]

    async def due_transfers(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of open offers with expires_at <= now, oldest first."""
        return [row[0] for row in await self._engine.read(DUE_TRANSFERS, {"now": now, "limit": limit})]

    async def purge_idempotency(self, before: datetime, limit: int) -> int:
        """Delete at most `limit` answers that were stored by `before`; how many."""
        return await self._purge(OLD_IDEMPOTENCY, before, limit)

    async def purge_assertions(self, now: datetime, limit: int) -> int:
        """Delete at most `limit` assertions that expired by `now`; how many."""
        return await self._purge(OLD_ASSERTIONS, now, limit)

    async def purge_proofs(self, now: datetime, before: datetime, limit: int) -> int:
        """Delete mails whose code expired by `now`; and links, codes and counts of tries that were over by `before`."""
        gone = await self._purge(OLD_MAILS, now, limit)
        return gone + sum([await self._purge(statement, before, limit) for statement in OLD_PROOFS])

    async def _purge(self, statement: Any, before: datetime, limit: int) -> int:
        async with self._engine.transaction() as transaction:
            gone = await transaction.fetch(statement, {"before": before, "limit": limit})
            if gone:
                await transaction.commit()
        return len(gone)
