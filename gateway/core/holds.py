"""What holds have in common, whether a channel or a waiting order made them: caps, counts, stock."""

from __future__ import annotations

from datetime import datetime

from gateway.core import stock
from gateway.core.errors import refuse
from gateway.core.model import Call, Channel, HoldCount, Json, Offer, Reservation
from gateway.core.ports import Books
from gateway.core.rows import replace

RETRY_AFTER = 10  # seconds; holds end all the time


def open_hold(
    books: Books,
    call: Call,
    offer: Offer,
    quantity: int,
    buyer: Json,
    expires_at: datetime,
    reference: str | None = None,
    order_id: str | None = None,
    pointer: str = "/quantity",
) -> Reservation:
    """Hold `quantity` at the offer's price now (INV-014); internal when an order makes it.

    Raises ProtocolError `hold_limit_reached` (INV-011, INV-012) or `out_of_stock` (INV-002).
    """
    _count_within_caps(books, call.channel_id, buyer["reference"], quantity, pointer)
    hold = Reservation(
        id=books.new_id("res"),
        channel_id=call.channel_id,
        offer_id=offer.id,
        stock_id=offer.stock_id,
        quantity=quantity,
        status="active",
        unit_amount=offer.price_amount,
        currency=offer.currency,
        buyer=buyer,
        buyer_reference=buyer["reference"],
        reference=reference,
        order_id=order_id,
        extensions=0,
        created_at=call.now,
        expires_at=expires_at,
        trace_id=call.trace_id,
        internal=order_id is not None,
    )
    stock.reserve(books, call, offer.stock_id, quantity, hold.id, pointer)
    books.put(hold)
    return hold


def pass_on(books: Books, call: Call, hold: Reservation, order_id: str, expires_at: datetime) -> Reservation:
    """Give a channel's hold to an order that waits for payment: used up, and kept on under the order's name.

    The stock stays reserved and the counts stay as they are.
    """
    books.put(replace(hold, status="consumed", order_id=order_id))
    kept = replace(
        hold,
        id=books.new_id("res"),
        reference=None,
        order_id=order_id,
        extensions=0,
        created_at=call.now,
        expires_at=expires_at,
        internal=True,
    )
    books.put(kept)
    return kept


def consume(books: Books, hold: Reservation, order_id: str) -> Reservation:
    """Use a hold up for a sale (ORD-009); the caller moves its stock."""
    return _close(books, hold, "consumed", order_id)


def release(books: Books, call: Call, hold: Reservation) -> Reservation:
    """Give a hold back: its stock returns to sale (INV-006)."""
    stock.release(books, call, hold.stock_id, hold.quantity, hold.id)
    return _close(books, hold, "released", hold.order_id)


def expire(books: Books, call: Call, hold: Reservation) -> Reservation:
    """End a hold whose time is over: its stock returns to sale (INV-004)."""
    stock.expire(books, call, hold.stock_id, hold.quantity, hold.id)
    return _close(books, hold, "expired", hold.order_id)


def is_active(hold: Reservation, now: datetime) -> bool:
    """At the very instant of `expires_at` a hold is not active any more (INV-005)."""
    return hold.status == "active" and now < hold.expires_at


def counts_of(channel_id: str, buyer_reference: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Keys of the two HoldCount rows of a hold: the channel's and the buyer's."""
    return (channel_id, ""), (channel_id, buyer_reference)


def _close(books: Books, hold: Reservation, status: str, order_id: str | None) -> Reservation:
    closed = replace(hold, status=status, order_id=order_id)
    books.put(closed)
    for key in counts_of(hold.channel_id, hold.buyer_reference):
        held = books.get(HoldCount, *key)
        if held is not None:
            books.put(replace(held, quantity=held.quantity - hold.quantity))
    return closed


def _count_within_caps(
    books: Books, channel_id: str, buyer_reference: str, quantity: int, pointer: str
) -> None:
    channel = books.get(Channel, channel_id)
    if channel is None:
        raise LookupError("the caller's channel does not exist")
    caps = (channel.max_open_holds, channel.max_open_holds_per_buyer)
    whose = ("channel", "buyer")
    keys = counts_of(channel_id, buyer_reference)
    books.need(HoldCount, *keys)
    for key, cap, who in zip(keys, caps, whose, strict=True):
        held = books.get(HoldCount, *key) or HoldCount(*key, quantity=0)
        if held.quantity + quantity > cap:
            detail = f"The {who} holds {held.quantity} of at most {cap} units."
            raise refuse("hold_limit_reached", pointer, detail, retry_after=RETRY_AFTER)
        books.put(replace(held, quantity=held.quantity + quantity))
