"""What happens when time is over, to holds and unpaid orders. Run by the sweeper, and where stock is short."""

from __future__ import annotations

from gateway.core import events, holds, life, stock
from gateway.core.model import Call, Order, Reservation, Stock
from gateway.core.ports import Books

DUE_AT_ONCE = 200  # due holds that one request ends at most; the sweeper ends the rest


def expire_reservation(books: Books, call: Call, reservation_id: str) -> bool:
    """End a hold that is due; False when there is nothing to do. A waiting order's hold ends with its order."""
    hold = books.get(Reservation, reservation_id)
    if hold is None or hold.status != "active" or call.now < hold.expires_at:
        return False
    if hold.internal and hold.order_id is not None:
        return expire_order(books, call, hold.order_id)
    ended = holds.expire(books, call, hold)
    events.reservation_expired(books, call, ended)
    return True


def expire_order(books: Books, call: Call, order_id: str) -> bool:
    """Expire an order that was not paid by its due time, and return its stock to sale (ORD-015)."""
    order = books.get(Order, order_id)
    if order is None or not payment_is_late(order, call):
        return False
    payment = {**order.payment, "status": "voided"}
    expired = life.advance(order, call.now, "expire", payment=payment, payment_due_at=None)
    books.put(expired)
    for hold in order_holds(books, order):
        holds.expire(books, call, hold)
    events.order_updated(books, call, expired, trace_id=order.trace_id)
    return True


def payment_is_late(order: Order, call: Call) -> bool:
    """Whether the order waits for a payment that was due; at the very instant it is late."""
    due_at = order.payment_due_at
    return order.status == "payment_required" and due_at is not None and due_at <= call.now


def order_holds(books: Books, order: Order) -> list[Reservation]:
    """The internal holds that keep a waiting order's stock, in line order."""
    books.need(Reservation, *((hold_id,) for hold_id in order.holds))
    found = [books.get(Reservation, hold_id) for hold_id in order.holds]
    return [hold for hold in found if hold is not None and hold.status == "active"]


def make_room(books: Books, call: Call, stock_id: str, quantity: int) -> None:
    """When a stock is short, first end those of its holds that are due, so that nobody is refused for them."""
    kept = books.get(Stock, stock_id)
    if kept is None or not stock.short_of(kept, quantity):
        return
    for due in books.due_reservations(stock_id, call.now, DUE_AT_ONCE):
        expire_reservation(books, call, due.id)
