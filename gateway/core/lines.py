"""The lines of an order: what is wanted, checked against offers and holds, and priced."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from gateway.core import buyer_input, catalog, holds, wire
from gateway.core.errors import refuse
from gateway.core.model import Call, Json, Offer, Reservation
from gateway.core.ports import Books


@dataclass(frozen=True, slots=True)
class LineRequest:
    """One line as the channel wants it; `unit_price` is Money."""

    offer_id: str
    quantity: int
    unit_price: Json
    reservation_id: str | None = None
    buyer_input: Json | None = None

    @classmethod
    def from_wire(cls, line: Json) -> LineRequest:
        """From a valid OrderLineRequest."""
        quantity = int(line["quantity"])
        held, given = line.get("reservation_id"), line.get("buyer_input")
        return cls(line["offer_id"], quantity, line["unit_price"], held, given)


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line that may be sold: its offer, its hold if it names one, and its price in minor units."""

    offer: Offer
    hold: Reservation | None
    quantity: int
    unit_amount: int
    currency: str
    buyer_input: Json | None

    @property
    def total(self) -> int:
        """Minor units; integers, so nothing is rounded (ORD-021)."""
        return self.unit_amount * self.quantity

    def render(self, line_id: str) -> Json:
        """The OrderLine of spec/schemas/orders.yaml."""
        line: Json = {
            "id": line_id,
            "offer_id": self.offer.id,
            "product_id": self.offer.product["id"],
            "quantity": self.quantity,
            "unit_price": wire.money(self.unit_amount, self.currency),
            "total": wire.money(self.total, self.currency),
        }
        if self.hold is not None:
            line["reservation_id"] = self.hold.id
        if self.buyer_input is not None:
            line["buyer_input"] = self.buyer_input
        return line


def price_all(books: Books, call: Call, buyer: Json, wanted: tuple[LineRequest, ...]) -> list[PricedLine]:
    """All lines, each allowed by itself and all together.

    Raises ProtocolError as `price` does, and `quantity_not_allowed` or `reservation_not_active` for what lines
    ask for together: a limit is one of the order (ORD-006), and a hold is used up by one line (ORD-009).
    """
    ordered: Counter[str] = Counter()
    used: set[str] = set()
    priced: list[PricedLine] = []
    for index, want in enumerate(wanted):
        pointer = f"/lines/{index}"
        line = price(books, call, buyer, want, pointer)
        ordered[want.offer_id] += want.quantity
        catalog.check_quantity(line.offer, ordered[want.offer_id], f"{pointer}/quantity")
        if line.hold is not None and line.hold.id in used:
            raise _not_active(pointer)
        used.update([line.hold.id] if line.hold else [])
        priced.append(line)
    if ordered.total() > catalog.MAX_PER_ORDER:
        raise refuse("quantity_not_allowed", "/lines", f"At most {catalog.MAX_PER_ORDER} units in one order.")
    return priced


def price(books: Books, call: Call, buyer: Json, want: LineRequest, pointer: str) -> PricedLine:
    """One line at the offer's price now, or at its hold's (INV-014).

    Raises ProtocolError `not_found`, `offer_withdrawn`, `reservation_not_active`, `reservation_mismatch`,
    `region_not_allowed`, `price_mismatch` or `buyer_input_invalid`.
    """
    hold = _hold(books, call, buyer, want, pointer)
    offer = _offer(books, call, want, hold, pointer)
    catalog.check_region(offer, buyer, "/buyer/region")
    amount, currency = (hold.unit_amount, hold.currency) if hold else (offer.price_amount, offer.currency)
    if (want.unit_price["amount"], want.unit_price["currency"]) != (amount, currency):
        detail = f"The price is {amount} {currency}, in minor units."
        raise refuse("price_mismatch", f"{pointer}/unit_price", detail)
    kept = buyer_input.check(offer, want.buyer_input, f"{pointer}/buyer_input")
    return PricedLine(offer, hold, want.quantity, amount, currency, kept)


def _offer(books: Books, call: Call, want: LineRequest, hold: Reservation | None, pointer: str) -> Offer:
    field = f"{pointer}/offer_id"
    if hold is None:
        return catalog.offer_on_sale(books, call, want.offer_id, field)
    offer = books.get(Offer, want.offer_id)  # what is held is sold, withdrawn or deleted since
    if offer is None:
        raise refuse("not_found", field, "There is no such offer.")
    return offer


def _hold(books: Books, call: Call, buyer: Json, want: LineRequest, pointer: str) -> Reservation | None:
    if want.reservation_id is None:
        return None
    hold = books.get(Reservation, want.reservation_id)
    if hold is None or hold.internal or hold.channel_id != call.channel_id:
        raise refuse("not_found", f"{pointer}/reservation_id", "There is no such hold.")
    if not holds.is_active(hold, call.now):
        raise _not_active(pointer)
    asked = (want.offer_id, want.quantity, buyer["reference"])
    if asked != (hold.offer_id, hold.quantity, hold.buyer_reference):
        detail = "The hold is for another offer, quantity or buyer."
        raise refuse("reservation_mismatch", f"{pointer}/reservation_id", detail)
    return hold


def _not_active(pointer: str) -> Exception:
    return refuse("reservation_not_active", f"{pointer}/reservation_id", "The hold has ended or is used up.")
