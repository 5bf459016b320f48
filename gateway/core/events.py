"""Events: one row per event and channel, written in the transaction of what happened (EVT-001, EVT-009)."""

from __future__ import annotations

from hashlib import sha256

from gateway.core import ownership_views, wire
from gateway.core.model import Call, Channel, Delivery, Event, Json, Offer, Order, Reservation
from gateway.core.model_allotments import Allotment
from gateway.core.model_identity import Account
from gateway.core.model_ownership import Entitlement, Owned, OwnershipChange
from gateway.core.ports import Books
from gateway.core.privacy import DataUse


def emit(
    books: Books,
    call: Call,
    channels: list[Channel],
    kind: str,
    subject: str,
    revision: int,
    data: Json,
    trace_id: str | None = None,
) -> None:
    """Write the event for each of `channels`; `data` is a snapshot without any secret (DLV-005).

    `trace_id` is given when another request than `call` caused it, as for what expires (TRC-004).
    """
    for channel in channels:
        event_id = books.new_id("evt")
        books.put(
            Event(
                id=event_id,
                channel_id=channel.id,
                type=kind,
                subject=subject,
                revision=revision,
                occurred_at=call.now,
                traceparent=_traceparent(trace_id, event_id) if trace_id else call.traceparent,
                data=data,
                position=None,
                state="pending" if channel.events_url else "feed_only",
                attempts=0,
                next_attempt_at=call.now,
                last_error=None,
            )
        )


def offer_changed(books: Books, call: Call, offer: Offer, kind: str) -> None:
    """`kind` is offer.updated, offer.withdrawn or availability.changed; to every channel that sees the offer."""
    if offer.channel_id is None:
        channels = books.channels()
    else:
        channels = _one(books, offer.channel_id)
    seen: Json = {"offer": wire.render_offer(offer)}
    own = offer.channel_limits or {}
    emit(books, call, [one for one in channels if one.id not in own], kind, offer.id, offer.revision, seen)
    for channel in channels:
        if channel.id in own:
            mine: Json = {"offer": wire.render_offer(offer, channel.id)}
            emit(books, call, [channel], kind, offer.id, offer.revision, mine)


def order_updated(books: Books, call: Call, order: Order, trace_id: str | None = None) -> None:
    """`order.updated` with the order as it is now (EVT-002), without what the buyer has given (DLV-043)."""
    shown = wire.render_order(order, DataUse(order.channel_id))
    if any("buyer_input" in line for line in order.lines):
        shown["lines"] = [{k: v for k, v in line.items() if k != "buyer_input"} for line in order.lines]
    data: Json = {"order": shown}
    to = _one(books, order.channel_id)
    emit(books, call, to, "order.updated", order.id, order.revision, data, trace_id)


def delivery_ready(books: Books, call: Call, delivery: Delivery) -> None:
    """`delivery.ready`: that there is something to open, not what (EVT-003). A delivery has this one event."""
    data: Json = {"delivery": wire.render_delivery(delivery)}
    emit(books, call, _one(books, delivery.channel_id), "delivery.ready", delivery.id, 1, data)


def reservation_expired(books: Books, call: Call, hold: Reservation) -> None:
    """`reservation.expired` (EVT-006). A hold has this one event."""
    data: Json = {"reservation": wire.render_reservation(hold, call.now, DataUse(hold.channel_id))}
    to = _one(books, hold.channel_id)
    emit(books, call, to, "reservation.expired", hold.id, 1, data, hold.trace_id)


def allotment_recalled(books: Books, call: Call, lease: Allotment) -> None:
    """`allotment.recalled` (ALT-021)."""
    data: Json = {"allotment": wire.render_allotment(lease, call.now)}
    to = _one(books, lease.channel_id)
    emit(books, call, to, "allotment.recalled", lease.id, lease.revision, data)


def entitlement_changed(books: Books, call: Call, owned: Owned, kind: str) -> None:
    """`kind` is entitlement.updated or entitlement.revoked; to the channel of the owner (OWN-005, OWN-011)."""
    one = owned.entitlement
    data: Json = {"entitlement": ownership_views.render_entitlement(owned, call.now)}
    emit(books, call, _one(books, one.channel_id), kind, one.id, one.revision, data)


def entitlement_transferred(
    books: Books, call: Call, owned: Owned, before: Entitlement, change: OwnershipChange
) -> None:
    """To both channels, each what it may see; once where they are one (OWN-035)."""
    kind, one = "entitlement.transferred", owned.entitlement
    entitlement_changed(books, call, owned, kind)
    if before.channel_id != one.channel_id:
        gone: Json = {"entitlement": ownership_views.render_handed_on(before, change)}
        emit(books, call, _one(books, before.channel_id), kind, one.id, one.revision, gone)


def consent_changed(books: Books, call: Call, account: Account, consent: Json) -> None:
    """`consent.changed`, as the channel of this account sees it (CNS-008)."""
    to = _one(books, account.channel_id)
    apart = None if account.channel_id == call.channel_id else _apart(books)
    emit(books, call, to, "consent.changed", consent["id"], consent["revision"], {"consent": consent}, apart)


def buyer_erased(books: Books, call: Call, account: Account, erasure: Json, revision: int) -> None:
    """`buyer.erased` to the channel of the account (CNS-028). The last one of its subject."""
    to = _one(books, account.channel_id)
    apart = None if account.channel_id == call.channel_id else _apart(books)
    emit(books, call, to, "buyer.erased", account.id, revision, {"erasure": erasure}, apart)


def _apart(books: Books) -> str:
    """A trace for what another channel of a buyer's is told: by a common one they could tell whom they share."""
    return sha256(books.new_id("trc").encode()).hexdigest()[:32]


def _one(books: Books, channel_id: str) -> list[Channel]:
    channel = books.get(Channel, channel_id)
    return [channel] if channel else []


def _traceparent(trace_id: str, event_id: str) -> str:
    # a span of our own in the causing request's trace; from the event's id, so that a restarted rule needs no dice
    return f"00-{trace_id}-{sha256(event_id.encode()).hexdigest()[:16]}-01"
