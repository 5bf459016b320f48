"""A payment that comes after its order has expired: new stock where there is some, else the money back."""

from __future__ import annotations

from collections import Counter

from gateway.core import events, expiry, life, limits, refunds, stock
from gateway.core.model import Call, Json, Offer, Order, Unit
from gateway.core.ports import Books
from gateway.core.rows import replace


def take_anew(books: Books, call: Call, order: Order) -> tuple[Order, list[list[Unit]]] | None:
    """Sell the order's lines once more (ORD-035): the order, and units by line as `stock.sell` gives them.

    The safety stock serves too (ORD-046): the buyer has paid, in good faith. None, and nothing is changed but what was
    due, when a line is short, not on sale any more, or above a limit by now (ORD-045).
    """
    books.need(Offer, *((line["offer_id"],) for line in order.lines))
    found = [books.get(Offer, line["offer_id"]) for line in order.lines]
    offers = [offer for offer in found if offer is not None and offer.status == "active"]
    if len(offers) < len(order.lines):
        return None
    wanted: Counter[str] = Counter()
    for offer, line in zip(offers, order.lines, strict=True):
        wanted[offer.stock_id] += line["quantity"]
    for stock_id, quantity in wanted.items():
        expiry.make_room(books, call, stock_id, quantity)
        if stock.short_of(stock.get(books, stock_id), quantity, whole=True):
            return None
    counted = limits.count_anew(books, order, offers, call.now)
    if counted is None:
        return None
    return counted, [
        stock.sell(books, call, offer.stock_id, line["quantity"], order.id, whole=True)
        for offer, line in zip(offers, order.lines, strict=True)
    ]


def give_back(books: Books, call: Call, order: Order, payment: Json) -> Order:
    """End the order with an instruction to return its payment, which came when nothing was there (ORD-036)."""
    paid = replace(order, payment=payment)
    refund = refunds.instruct(books, call, paid, refunds.left(paid), "late_payment")
    ended = life.advance(paid, call.now, "return_payment", refunds=[*paid.refunds, refund])
    books.put(ended)
    events.order_updated(books, call, ended)
    return ended
