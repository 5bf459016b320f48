"""Leases of stock, so that a channel can sell while it is cut off (spec/text/allotments.md). Reports: see sales.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.core import catalog, events, expiry, limits, stock
from gateway.core.errors import missing, refuse
from gateway.core.model import Call, Json, Offer
from gateway.core.model_allotments import Allotment
from gateway.core.ports import Books
from gateway.core.rows import replace
from gateway.core.stock import AllotmentEnd

DEFAULT_LIFE, LONGEST_LIFE = 86_400, 7 * 86_400  # seconds; the standard allows 30 days (ALT-004)
GRACE = 3600  # seconds in which the sales of a recalled lease can be reported


@dataclass(frozen=True, slots=True)
class CreateAllotment:
    """A wish for a lease. `ttl_seconds` is only a wish (ALT-004)."""

    offer_id: str
    quantity: int
    reference: str | None = None
    ttl_seconds: int | None = None

    @classmethod
    def from_wire(cls, body: Json) -> CreateAllotment:
        """From a valid AllotmentRequest."""
        life = body.get("ttl_seconds")
        return cls(
            body["offer_id"],
            int(body["quantity"]),
            body.get("reference"),
            None if life is None else int(life),
        )


def create_allotment(books: Books, call: Call, cmd: CreateAllotment) -> Allotment:
    """Lease stock at the offer's price now (ALT-017).

    Raises ProtocolError `not_found`, `offer_withdrawn`, `allotment_not_allowed` (ALT-003), `channel_limit_reached`
    (ALT-007) or `out_of_stock`.
    """
    offer = catalog.offer_on_sale(books, call, cmd.offer_id, "/offer_id")
    if offer.consistency != "allotment":
        detail = f"The offer's consistency is {offer.consistency}."
        raise refuse("allotment_not_allowed", "/offer_id", detail)
    expiry.make_room(books, call, offer.stock_id, cmd.quantity)
    counted = limits.count(
        books, call.now, offer, call.channel_id, limits.NOBODY, cmd.quantity, "/quantity", scopes=("channel",)
    )
    lease = _lease(books, call, cmd, offer, counted)
    stock.allot(books, call, offer.stock_id, cmd.quantity, lease.id)
    books.put(lease)
    return lease


def release_allotment(books: Books, call: Call, allotment_id: str, quantity: int | None = None) -> Allotment:
    """Return so much of what remains to sale, or all of it (ALT-018). Nothing remains of one that has ended.

    Raises ProtocolError `not_found` or `exceeds_allotment` (ALT-019).
    """
    lease = own(books, call, allotment_id)
    if quantity is not None and quantity > lease.remaining:
        raise refuse("exceeds_allotment", "/quantity", f"{lease.remaining} remain of the lease.")
    back = lease.remaining if quantity is None else quantity
    return _give_back(books, call, "allot_release", lease, back) if back else lease


def recall_allotment(books: Books, call: Call, allotment_id: str, grace: int = GRACE) -> Allotment:
    """The merchant wants a lease back: it ends in `grace` seconds at the latest, and the channel is told (ALT-021).

    One that has ended, or ends as soon already, stays as it is. Raises ProtocolError `not_found`.
    """
    found = books.get(Allotment, allotment_id)
    if found is None:
        raise missing("allotment_id")
    lease = _now(books, call, found)
    ends_at = min(lease.expires_at, call.now + timedelta(seconds=grace))
    if lease.status == "ended" or (lease.status == "recalled" and ends_at == lease.expires_at):
        return lease
    recalled_at = lease.recalled_at or call.now
    told = change(books, lease, status="recalled", recalled_at=recalled_at, expires_at=ends_at)
    after = _now(books, call, told)
    events.allotment_recalled(books, call, after)
    return after


def expire_allotment(books: Books, call: Call, allotment_id: str) -> bool:
    """End a lease that is due (ALT-020, ALT-023); False when there is nothing to do."""
    lease = books.get(Allotment, allotment_id)
    return lease is not None and _now(books, call, lease) is not lease


def own(books: Books, call: Call, allotment_id: str) -> Allotment:
    """The caller's lease, locked, as it is now. Raises ProtocolError `not_found`, also for another's (AUT-011)."""
    lease = books.get(Allotment, allotment_id)
    if lease is None or lease.channel_id != call.channel_id:
        raise missing("allotment_id")
    return _now(books, call, lease)


def change(books: Books, lease: Allotment, **changes: Any) -> Allotment:
    """The lease with these values and the next revision; it has ended when nothing remains."""
    after = replace(lease, **changes, revision=lease.revision + 1)
    if after.remaining == 0:
        after = replace(after, status="ended")
    books.put(after)
    return after


def _lease(
    books: Books, call: Call, cmd: CreateAllotment, offer: Offer, counted: list[Json] | None
) -> Allotment:
    life = min(cmd.ttl_seconds or DEFAULT_LIFE, LONGEST_LIFE)
    return Allotment(
        id=books.new_id("alt"),
        channel_id=call.channel_id,
        offer_id=offer.id,
        product_id=offer.product["id"],
        stock_id=offer.stock_id,
        quantity=cmd.quantity,
        sold=0,
        returned=0,
        remaining=cmd.quantity,
        status="active",
        revision=1,
        unit_amount=offer.price_amount,
        currency=offer.currency,
        reference=cmd.reference,
        created_at=call.now,
        expires_at=call.now + timedelta(seconds=life),
        recalled_at=None,
        trace_id=call.trace_id,
        counted=counted,
    )


def _now(books: Books, call: Call, lease: Allotment) -> Allotment:
    """From the instant of `expires_at` on nothing remains, swept or not."""
    if lease.status == "ended" or call.now < lease.expires_at:
        return lease
    return _give_back(books, call, "allot_expire", lease, lease.remaining)


def _give_back(books: Books, call: Call, kind: AllotmentEnd, lease: Allotment, quantity: int) -> Allotment:
    stock.end_allotted(books, call, kind, lease, quantity)
    limits.give_back(books, lease.counted, quantity)
    return change(books, lease, returned=lease.returned + quantity, remaining=lease.remaining - quantity)
