"""What holds have in common, whether a channel or a waiting order made them: caps, counts, shares, stock."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from gateway.core import limits, pressure, stock
from gateway.core.errors import ProtocolError, refuse
from gateway.core.model import Call, Channel, HoldCount, Json, Offer, Reservation, Stock
from gateway.core.ports import Books

RETRY_AFTER = 10  # seconds; holds end all the time


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
    before, wish = stock.get(books, offer.stock_id), min(wish, pressure.LONGEST)
    _count_within_caps(books, call, buyer["reference"], quantity, pointer)
    if before.kind != "unlimited":
        _keep_fair(books, call, before, buyer["reference"], quantity, pointer)
        wish = pressure.life(wish, before.reserved, stock.on_sale(before), floor)
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
        expires_at=call.now + timedelta(seconds=wish),
        trace_id=call.trace_id,
        internal=order_id is not None,
        counted=counted,
    )
    stock.reserve(books, call, offer.stock_id, quantity, hold.id, pointer)
    books.put(hold)
    return hold


def pass_on(books: Books, call: Call, hold: Reservation, order_id: str, wish: int) -> Reservation:
    """Give a channel's hold to an order that waits for payment: used up, and kept on under the order's name.

    The stock stays reserved and the counts stay as they are. `wish`: seconds, as for `open_hold`.
    """
    kept_stock = stock.get(books, hold.stock_id)
    if kept_stock.kind != "unlimited":
        others = kept_stock.reserved - hold.quantity
        wish = pressure.life(wish, others, stock.on_sale(kept_stock), pressure.PAYMENT_FLOOR)
    books.put(replace(hold, status="consumed", order_id=order_id))
    kept = replace(
        hold,
        id=books.new_id("res"),
        reference=None,
        order_id=order_id,
        extensions=0,
        created_at=call.now,
        expires_at=call.now + timedelta(seconds=wish),
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


def counts_of(channel_id: str, buyer_reference: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Keys of the two HoldCount rows of a hold: the channel's and the buyer's."""
    return (channel_id, ""), (channel_id, buyer_reference)


def _close(books: Books, call: Call, hold: Reservation, status: str, order_id: str | None) -> Reservation:
    closed = replace(hold, status=status, order_id=order_id)
    books.put(closed)
    fate, now = pressure.fate(status == "consumed", hold.created_at, call.now), call.now
    for key in counts_of(hold.channel_id, hold.buyer_reference):
        held = books.get(HoldCount, *key)
        if held is None:
            continue
        stocks = held.stocks
        if key[1] and (stocks or fate == "idle"):
            record = pressure.buyer_of(stocks, hold.stock_id, now)
            after = pressure.ended_for_buyer(record, hold.quantity, fate, now)
            stocks = pressure.noted(stocks, hold.stock_id, after, now)
        books.put(replace(held, quantity=held.quantity - hold.quantity, stocks=stocks))
    kept = stock.get(books, hold.stock_id)
    if kept.kind != "unlimited":
        record = pressure.channel_of(kept.holding, hold.channel_id, now)
        after = pressure.ended(record, hold.quantity, fate, now)
        books.put(replace(kept, holding=pressure.noted(kept.holding, hold.channel_id, after, now)))
    return closed


def _count_within_caps(books: Books, call: Call, buyer_reference: str, quantity: int, pointer: str) -> None:
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
            raise _too_much(pointer, f"The {who} holds {held.quantity} of at most {cap} units.")
        books.put(replace(held, quantity=held.quantity + quantity))


def _keep_fair(
    books: Books, call: Call, kept: Stock, buyer_reference: str, quantity: int, pointer: str
) -> None:
    """Let no buyer and no channel lock the stock, and note the new hold in their records."""
    now, held, free = call.now, kept.reserved, stock.on_sale(kept)
    channel = pressure.channel_of(kept.holding, call.channel_id, now)
    part = pressure.channels_part(channel, held, free)
    if part is not None and channel["held"] + quantity > part:
        detail = (
            f"Of what this channel held lately most was not bought; it may hold {part} units of this at once."
        )
        raise _too_much(pointer, detail)
    key = counts_of(call.channel_id, buyer_reference)[1]
    count = books.get(HoldCount, *key) or HoldCount(*key, quantity=0)
    buyer = pressure.buyer_of(count.stocks, kept.id, now)
    pause = pressure.pause_left(buyer, now)
    if pause:
        detail = f"The buyer has held this {buyer['idle']} times and not bought it."
        raise _too_much(pointer, detail, pause)
    part = pressure.buyers_part(held, free)
    if buyer["held"] + quantity > part and quantity <= free:
        raise _too_much(pointer, f"The buyer holds {buyer['held']} of at most {part} units of this.")
    noted = pressure.noted(count.stocks, kept.id, pressure.held(buyer, quantity), now)
    books.put(replace(count, stocks=noted))
    holding = pressure.noted(kept.holding, call.channel_id, pressure.held(channel, quantity), now)
    books.put(replace(kept, holding=holding))


def _too_much(pointer: str, detail: str, retry_after: int = RETRY_AFTER) -> ProtocolError:
    return refuse("hold_limit_reached", pointer, detail, retry_after=retry_after)
