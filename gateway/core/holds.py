"""What holds have in common, whether a channel or a waiting order made them: caps, counts, shares, stock."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.core import fair_shares, limits, pressure, stock
from gateway.core.errors import refuse
from gateway.core.fair_shares import RETRY_AFTER, counts_of
from gateway.core.model import Call, Channel, HoldCount, Json, Offer, Reservation
from gateway.core.ports import Books
from gateway.core.rows import replace


def open_hold(
    books: Books,
    call: Call,
    offer: Offer,
    quantity: int,
    buyer: Json,
    wish: int,
    floor: int = pressure.FLOOR,
    *,
    reference: str | None = None,
    order_id: str | None = None,
    counted: list[Json] | None = None,
    pointer: str = "/quantity",
) -> Reservation:
    """Hold `quantity` at the offer's price now (INV-014); internal when an order makes it.

    `wish`: seconds that it is to live; fewer where much is held, but `floor` (INV-027). `counted`: what limits.py has
    noted of it. Raises ProtocolError `hold_limit_reached` (INV-011, INV-012, INV-026, INV-028) or `out_of_stock`.
    """
    who = buyer["reference"]
    allowed = fair_shares.allow(books, call, offer.stock_id, who, quantity, wish, floor, pointer)
    _count_within_caps(books, call, who, quantity, pointer, allowed.stocks)
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
        buyer_reference=who,
        reference=reference,
        order_id=order_id,
        extensions=0,
        created_at=call.now,
        expires_at=call.now + timedelta(seconds=allowed.life),
        trace_id=call.trace_id,
        internal=order_id is not None,
        counted=counted,
    )
    stock.reserve(books, call, offer.stock_id, quantity, hold.id, pointer, allowed.holding)
    books.put(hold)
    return hold


def pass_on(books: Books, call: Call, hold: Reservation, order_id: str, wish: int) -> Reservation:
    """Give a channel's hold to an order that waits for payment: used up, and kept on under the order's name.

    The stock stays reserved and the counts stay as they are. `wish`: seconds, as for `open_hold`.
    """
    floor = pressure.PAYMENT_FLOOR
    life = fair_shares.longer(books, call, hold, wish, floor) or min(wish, floor)
    books.put(replace(hold, status="consumed", order_id=order_id))
    kept = replace(
        hold,
        id=books.new_id("res"),
        reference=None,
        order_id=order_id,
        extensions=0,
        created_at=call.now,
        expires_at=call.now + timedelta(seconds=life),
        internal=True,
    )
    books.put(kept)
    return kept


def until(books: Books, hold: Reservation, expires_at: datetime) -> Reservation:
    """The hold with this end: those of one order end together."""
    if hold.expires_at == expires_at:
        return hold
    moved = replace(hold, expires_at=expires_at)
    books.put(moved)
    return moved


def consume(books: Books, call: Call, hold: Reservation, order_id: str) -> Reservation:
    """Use a hold up for a sale (ORD-009); the caller moves its stock."""
    return _close(books, call, hold, "consumed", order_id)


def release(books: Books, call: Call, hold: Reservation) -> Reservation:
    """Give a hold back: its stock returns to sale (INV-006)."""
    stock.release(books, call, hold.stock_id, hold.quantity, hold.id)
    limits.give_back(books, hold.counted, hold.quantity)
    return _close(books, call, hold, "released", hold.order_id)


def expire(books: Books, call: Call, hold: Reservation) -> Reservation:
    """End a hold whose time is over: its stock returns to sale (INV-004)."""
    stock.expire(books, call, hold.stock_id, hold.quantity, hold.id)
    limits.give_back(books, hold.counted, hold.quantity)
    return _close(books, call, hold, "expired", hold.order_id)


def is_active(hold: Reservation, now: datetime) -> bool:
    """At the very instant of `expires_at` a hold is not active any more (INV-005)."""
    return hold.status == "active" and now < hold.expires_at


def _close(books: Books, call: Call, hold: Reservation, status: str, order_id: str | None) -> Reservation:
    closed = replace(hold, status=status, order_id=order_id)
    books.put(closed)
    for key in counts_of(hold.channel_id, hold.buyer_reference):
        held = books.get(HoldCount, *key)
        if held is not None:
            books.put(replace(held, quantity=held.quantity - hold.quantity))
    fair_shares.settle(books, call, closed)
    return closed


def _count_within_caps(
    books: Books, call: Call, buyer_reference: str, quantity: int, pointer: str, stocks: Json | None
) -> None:
    """Count a hold with its channel and its buyer; `stocks` is what is noted with the buyer (fair_shares.py)."""
    channel = books.get(Channel, call.channel_id)
    if channel is None:
        raise LookupError("the caller's channel does not exist")
    caps = (channel.max_open_holds, channel.max_open_holds_per_buyer)
    whose = ("channel", "buyer")
    keys = counts_of(call.channel_id, buyer_reference)
    books.need(HoldCount, *keys)
    for key, cap, who in zip(keys, caps, whose, strict=True):
        held = books.get(HoldCount, *key) or HoldCount(*key, quantity=0)
        if held.quantity + quantity > cap:
            detail = f"The {who} holds {held.quantity} of at most {cap} units."
            raise refuse("hold_limit_reached", pointer, detail, retry_after=RETRY_AFTER)
        noted = stocks if key[1] and stocks else held.stocks
        books.put(replace(held, quantity=held.quantity + quantity, stocks=noted))
