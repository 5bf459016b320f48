"""Holds: reserve, extend, release (spec/text/inventory.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gateway.core import catalog, expiry, fair_shares, holds, limits, pressure, wire
from gateway.core.errors import ProtocolError, missing
from gateway.core.model import Call, Channel, HoldCount, Json, Offer, Reservation, Stock
from gateway.core.ports import Books
from gateway.core.rows import replace

DEFAULT_TTL = 600  # seconds
MAX_EXTENSIONS = 3


@dataclass(frozen=True, slots=True)
class CreateReservation:
    """A wish for a hold. `ttl_seconds` is only a wish (INV-018)."""

    offer_id: str
    quantity: int
    buyer: Json
    reference: str | None = None
    ttl_seconds: int | None = None

    @classmethod
    def from_wire(cls, body: Json) -> CreateReservation:
        """From a valid ReservationRequest."""
        quantity, ttl = int(body["quantity"]), body.get("ttl_seconds")
        kept = wire.buyer(body["buyer"])
        return cls(body["offer_id"], quantity, kept, body.get("reference"), None if ttl is None else int(ttl))


def prepare_reservation(books: Books, call: Call, cmd: CreateReservation) -> None:
    """Note what `create_reservation` will read, so that it is loaded in one round."""
    books.need(Channel, (call.channel_id,))
    offer = books.peek(Offer, cmd.offer_id)
    if offer is not None:
        books.need(Stock, (offer.stock_id,))
    books.need(HoldCount, *fair_shares.counts_of(call.channel_id, cmd.buyer["reference"]))


def create_reservation(books: Books, call: Call, cmd: CreateReservation) -> Reservation:
    """Hold stock for a buyer.

    Raises ProtocolError `not_found`, `offer_withdrawn`, `region_not_allowed`, `quantity_not_allowed`,
    `purchase_limit_reached`, `channel_limit_reached`, `out_of_stock` or `hold_limit_reached`.
    """
    offer = catalog.offer_on_sale(books, call, cmd.offer_id, "/offer_id")
    catalog.check_region(offer, cmd.buyer, "/buyer/region")
    catalog.check_quantity(offer, cmd.quantity, "/quantity")
    expiry.make_room(books, call, offer.stock_id, cmd.quantity)
    counted = limits.count(books, call.now, offer, call.channel_id, cmd.buyer, cmd.quantity, "/quantity")
    wish = cmd.ttl_seconds or DEFAULT_TTL
    return holds.open_hold(
        books, call, offer, cmd.quantity, cmd.buyer, wish, reference=cmd.reference, counted=counted
    )


def extend_reservation(
    books: Books, call: Call, reservation_id: str, ttl_seconds: int | None = None
) -> Reservation:
    """Keep an active hold longer; an extension never shortens it (INV-008), and none is given where much is held.

    Raises ProtocolError `not_found`, `reservation_not_active` or `extension_limit_reached` (INV-009, INV-010).
    """
    hold = _own(books, call, reservation_id)
    if not holds.is_active(hold, call.now):
        raise ProtocolError("reservation_not_active", "The hold has ended and cannot be extended.")
    if hold.extensions >= MAX_EXTENSIONS:
        raise ProtocolError("extension_limit_reached", f"A hold can be extended {MAX_EXTENSIONS} times.")
    life = fair_shares.longer(books, call, hold, ttl_seconds or DEFAULT_TTL, pressure.FLOOR)
    if life is None:
        raise ProtocolError("extension_limit_reached", "So much of it is held that no hold is extended now.")
    expires_at = max(hold.expires_at, call.now + timedelta(seconds=life))
    extended = replace(hold, expires_at=expires_at, extensions=hold.extensions + 1)
    books.put(extended)
    return extended


def release_reservation(books: Books, call: Call, reservation_id: str) -> Reservation:
    """Give a hold back; one that is not active stays as it is (INV-006, INV-007).

    Raises ProtocolError `not_found`.
    """
    hold = _own(books, call, reservation_id)
    return holds.release(books, call, hold) if holds.is_active(hold, call.now) else hold


def _own(books: Books, call: Call, reservation_id: str) -> Reservation:
    hold = books.get(Reservation, reservation_id)
    if hold is None or hold.internal or hold.channel_id != call.channel_id:
        raise missing("reservation_id")
    return hold
