"""What the relay asks of the outside: the outbox, the feeds, what is due, and a writer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.model import Channel, Event
from gateway.core.ports import Books

T = TypeVar("T")


class Writer(Protocol):
    """Runs a rule in a transaction; the result is durable when it is given back (the combiner)."""

    async def run(self, operation: Callable[[Books], T]) -> T: ...


class Outbox(Protocol):
    """Events that wait to be sent."""

    async def claim_events(
        self, now: datetime, lease_until: datetime, limit: int, per_channel: int
    ) -> list[Event]:
        """Pending events with `next_attempt_at` <= now, which is moved to `lease_until` so that no replica takes them
        too. Oldest ids first, at most `per_channel` of one channel."""

    async def event_delivered(self, event_id: str, attempts: int) -> None:
        """Mark as delivered; `last_error` is cleared."""

    async def event_failed(self, event_id: str, attempts: int, next_attempt_at: datetime, error: str) -> None:
        """Keep pending, to be tried again."""

    async def event_parked(self, event_id: str, attempts: int, error: str) -> None:
        """Give up sending; it stays in the feed."""

    async def channel_by_id(self, channel_id: str) -> Channel | None:
        """The channel, whoever asks."""


class Feeds(Protocol):
    """Offers and events whose position in the feed is not known yet."""

    async def number_feeds(self, limit: int) -> int:
        """Give positions to at most `limit` unnumbered rows of each feed, in one transaction under the lock row; how
        many it were. 0 also when another replica holds the lock."""


class Due(Protocol):
    """What has fallen due."""

    async def due_reservations(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of active, not internal reservations with expires_at <= now, oldest first."""

    async def due_orders(self, now: datetime, limit: int) -> Sequence[str]:
        """Ids of orders in payment_required with payment_due_at <= now, oldest first."""

    async def purge_idempotency(self, before: datetime, limit: int) -> int:
        """Delete at most `limit` idempotency rows created before; how many."""

    async def purge_assertions(self, now: datetime, limit: int) -> int:
        """Delete at most `limit` assertions that expired by now; how many."""


class SigningKeys(Protocol):
    """The gateway's own key for events; the same as for tokens."""

    def current(self) -> tuple[str, Ed25519PrivateKey]:
        """Key id as published, and the key."""
