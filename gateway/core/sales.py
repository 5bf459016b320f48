"""Sales from a lease, reported in batches, each judged by itself (spec/text/allotments.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.core import allotments, buyer_input, catalog, expiry, limits, orders, stock, wire
from gateway.core.errors import ProtocolError, refuse
from gateway.core.lines import PricedLine
from gateway.core.model import Call, Channel, Json, Offer, Order, OrderReference, Unit
from gateway.core.model_allotments import Allotment
from gateway.core.ports import Books, Vault
from gateway.core.rows import replace


@dataclass(frozen=True, slots=True)
class Sale:
    """One sale as the channel reports it. `unit_price` is Money; `payment` says what the channel knows of it."""

    reference: str
    quantity: int
    unit_price: Json
    buyer: Json
    sold_at: datetime
    buyer_input: Json | None
    payment: Json

    @classmethod
    def from_wire(cls, body: Json, pointer: str) -> Sale:
        """From a valid AllotmentSale. Raises ProtocolError `invalid` for a time that there is not."""
        price = body["unit_price"]
        try:
            sold_at = datetime.fromisoformat(body["sold_at"])
        except ValueError as error:
            raise refuse("invalid", f"{pointer}/sold_at", "There is no such time.") from error
        return cls(
            body["reference"],
            int(body["quantity"]),
            wire.money(int(price["amount"]), price["currency"]),
            wire.buyer(body["buyer"]),
            sold_at,
            body.get("buyer_input"),
            body.get("payment") or {},
        )


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a sale: its order, or why there is none."""

    reference: str
    order: Order | None = None
    error: ProtocolError | None = None


def prepare_report(books: Books, call: Call, allotment_id: str, sales: Sequence[Sale]) -> None:
    """Note what `report_sales` will read first, so that it is loaded in one round."""
    books.need(Channel, (call.channel_id,))
    books.need(OrderReference, *((call.channel_id, sale.reference) for sale in sales))
    lease = books.peek(Allotment, allotment_id)
    if lease is not None:
        books.need(Offer, (lease.offer_id,))
        stock.prepare(books, lease.stock_id, sum(sale.quantity for sale in sales))


def report_sales(
    books: Books, vault: Vault, call: Call, allotment_id: str, sales: Sequence[Sale]
) -> tuple[Allotment, list[Result]]:
    """Make an order of each sale that can be accepted (ALT-009, ALT-012): the lease as it is then, and the results.

    A refused sale changes nothing, and nothing is remembered of it: reported again, it is judged anew (as IDM-010).
    Raises ProtocolError `not_found`, or `quantity_not_allowed` for a report of too many units.
    """
    allotments.own(books, call, allotment_id)
    if sum(sale.quantity for sale in sales) > catalog.MAX_PER_ORDER:
        detail = f"At most {catalog.MAX_PER_ORDER} units in one report."
        raise refuse("quantity_not_allowed", "/sales", detail)
    results = [_result(books, vault, call, allotment_id, sale, f"/sales/{n}") for n, sale in enumerate(sales)]
    return allotments.own(books, call, allotment_id), results


def _result(books: Books, vault: Vault, call: Call, allotment_id: str, sale: Sale, pointer: str) -> Result:
    lease = allotments.own(books, call, allotment_id)
    try:
        known = _known(books, call, lease, sale, pointer)
        return Result(sale.reference, known or _sell(books, vault, call, lease, sale, pointer))
    except ProtocolError as error:
        return Result(sale.reference, error=error)


def _known(books: Books, call: Call, lease: Allotment, sale: Sale, pointer: str) -> Order | None:
    """The order of a sale that was accepted before (ALT-010). Raises ProtocolError `reference_in_use` (ALT-011)."""
    claimed = books.get(OrderReference, call.channel_id, sale.reference)
    if claimed is None:
        return None
    order = books.get(Order, claimed.order_id)
    line: Json = order.lines[0] if order else {}
    if (
        order is None
        or order.allotment is None
        or (order.allotment["id"], line["quantity"], line["unit_price"], order.buyer["reference"])
        != (lease.id, sale.quantity, sale.unit_price, sale.buyer["reference"])
    ):
        detail = "Another sale or order has this reference."
        raise refuse("reference_in_use", f"{pointer}/reference", detail)
    return order


def _sell(books: Books, vault: Vault, call: Call, lease: Allotment, sale: Sale, pointer: str) -> Order:
    """All that may refuse the sale comes before the first write, so that a refusal leaves nothing behind (ALT-015)."""
    offer = books.get(Offer, lease.offer_id)  # what is leased is sold, withdrawn or deleted since
    if offer is None:
        raise LookupError(f"offer {lease.offer_id} of a lease does not exist")
    priced = _price(lease, offer, sale, pointer)
    cmd = orders.CreateOrder(sale.reference, sale.buyer, (), sale.payment)
    made = orders.new_order(books, call, cmd, [priced])
    leased = sale.quantity <= lease.remaining
    if not leased:
        _have(books, call, lease, offer, sale, pointer)
    scopes = ("buyer",) if leased else ("buyer", "channel")
    noted = limits.count(
        books, call.now, offer, lease.channel_id, sale.buyer, sale.quantity, f"{pointer}/quantity", scopes
    )
    noted = [*(noted or []), *((lease.counted or []) if leased else [])]
    note: Json = {"id": lease.id, "taken_from": "lease" if leased else "stock"}
    counted = {made.lines[0]["id"]: noted} if noted else None
    order = replace(made, allotment=note, counted=counted)
    books.put(OrderReference(call.channel_id, sale.reference, order.id))
    units = _take(books, call, lease, order.id, sale.quantity, leased)
    collected_at = wire.timestamp(min(sale.sold_at, call.now))
    payment = {**order.payment, "status": "collected", "collected_at": collected_at}
    return orders.fulfil(books, vault, call, order, payment, [units])


def _price(lease: Allotment, offer: Offer, sale: Sale, pointer: str) -> PricedLine:
    """The sale's line at the lease's price (ALT-017), which it has to name (ALT-013)."""
    catalog.check_region(offer, sale.buyer, f"{pointer}/buyer/region")
    catalog.check_quantity(offer, sale.quantity, f"{pointer}/quantity")
    if (sale.unit_price["amount"], sale.unit_price["currency"]) != (lease.unit_amount, lease.currency):
        detail = f"The lease's price is {lease.unit_amount} {lease.currency}, in minor units."
        raise refuse("price_mismatch", f"{pointer}/unit_price", detail)
    kept = buyer_input.check(offer, sale.buyer_input, f"{pointer}/buyer_input")
    return PricedLine(offer, None, sale.quantity, lease.unit_amount, lease.currency, kept)


def _have(books: Books, call: Call, lease: Allotment, offer: Offer, sale: Sale, pointer: str) -> None:
    """Whether the stock on sale has it all (ALT-014). Raises ProtocolError `allotment_exhausted` (ALT-015)."""
    expiry.make_room(books, call, lease.stock_id, sale.quantity)
    there = stock.get(books, lease.stock_id)
    if offer.status != "active" or stock.short_of(there, sale.quantity):
        detail = f"{lease.remaining} remain of the lease, and the stock on sale has not enough for {sale.quantity}."
        raise refuse("allotment_exhausted", f"{pointer}/quantity", detail)


def _take(
    books: Books, call: Call, lease: Allotment, order_id: str, quantity: int, leased: bool
) -> list[Unit]:
    if not leased:
        return stock.sell(books, call, lease.stock_id, quantity, order_id)
    allotments.change(books, lease, sold=lease.sold + quantity, remaining=lease.remaining - quantity)
    return stock.sell_allotted(books, call, lease, quantity, order_id)
