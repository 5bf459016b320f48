"""What the relay asks of the outside: the outbox, what is due, and a writer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.model import Channel, Event
from gateway.core.ports import Books

T = TypeVar("T")


class Writer(Protocol):
    """Runs a rule in a transaction; the result is durable when it is given back (the combiner)."""

    async def run(self, operation: Callable[[Books], T]) -> T: ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one try to send an event came to. `state` is pending (again at `next_attempt_at`), delivered or parked."""

    event_id: str
    state: str
    attempts: int
    next_attempt_at: datetime
    last_error: str | None


class Outbox(Protocol):
    """Events that wait to be sent."""

    async def claim_events(
        self, now: datetime, lease_until: datetime, limit: int, per_channel: int, skip: Collection[str]
    ) -> Sequence[Event]:
        """Pending events with `next_attempt_at` <= now, which is moved to `lease_until` so that no replica takes them
        too. Oldest ids first, at most `per_channel` of one channel, none of the channels in `skip`."""

    async def record_attempts(self, attempts: Sequence[Attempt]) -> None:
        """Write all of these to their events' rows (state, attempts, next_attempt_at, last_error), in one transaction;
        nothing else of the rows changes."""

    async def channels_by_id(self, channel_ids: Collection[str]) -> dict[str, Channel]:
        """These channels, whoever asks."""


class Due(Protocol):
    """What has fallen due."""

    async def due_reservations(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of active, not internal reservations with expires_at <= now, oldest first."""

    async def due_orders(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of orders in payment_required with payment_due_at <= now, oldest first."""

    async def due_allotments(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of leases that have not ended with expires_at <= now, oldest first."""

    async def due_entitlements(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of entitlements whose time is over by now and that are not expired yet, oldest first."""

    async def due_transfers(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of open offers with expires_at <= now, oldest first."""

    async def purge_idempotency(self, before: datetime, limit: int) -> int:
        """Delete at most `limit` idempotency rows created before; how many."""

    async def purge_assertions(self, now: datetime, limit: int) -> int:
        """Delete at most `limit` assertions that expired by now; how many."""

    async def purge_proofs(self, now: datetime, before: datetime, limit: int) -> int:
        """Delete mails whose code expired by `now`, and of each kind at most `limit` proofs that were over by `before`;
        how many."""


class SigningKeys(Protocol):
    """The gateway's own key for events; the same as for tokens."""

    def current(self) -> tuple[str, Ed25519PrivateKey]:
        """Key id as published, and the key."""
