"""Lets no buyer and no channel lock a stock by holding it (INV-026 to INV-029); the figures are in pressure.py.

What is noted stands in rows that a hold reads and writes anyway: the stock's and the buyer's count. What is unlimited
cannot be locked.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core import pressure, stock
from gateway.core.errors import ProtocolError, refuse
from gateway.core.model import Call, HoldCount, Json, Reservation
from gateway.core.ports import Books
from gateway.core.rows import replace

RETRY_AFTER = 10  # seconds; holds end all the time


def counts_of(channel_id: str, buyer_reference: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Keys of the two HoldCount rows of a hold: the channel's and the buyer's."""
    return (channel_id, ""), (channel_id, buyer_reference)


def longer(books: Books, call: Call, hold: Reservation, wish: int, floor: int) -> int | None:
    """Seconds that a hold may live on from now; None when none of this stock is to be kept longer."""
    kept = stock.get(books, hold.stock_id)
    if kept.kind == "unlimited":
        return min(wish, pressure.LONGEST)
    wasteful = pressure.wasteful(pressure.channel_of(kept.holding, call.channel_id, call.now))
    free = stock.on_sale(kept)
    if wasteful or pressure.share(kept.reserved, free) >= pressure.CRUSH:
        return None
    return pressure.life(wish, kept.reserved, free, floor)


@dataclass(frozen=True, slots=True)
class Allowed:
    """A hold that may be made: seconds that it may live, and what is to be noted with the buyer and the stock."""

    life: int
    stocks: Json | None = None
    holding: Json | None = None


def allow(
    books: Books,
    call: Call,
    stock_id: str,
    buyer_reference: str,
    quantity: int,
    wish: int,
    floor: int,
    pointer: str,
) -> Allowed:
    """Whether the buyer may hold so much of the stock now. Raises ProtocolError `hold_limit_reached`."""
    kept = stock.get(books, stock_id)
    if kept.kind == "unlimited":
        return Allowed(min(wish, pressure.LONGEST))
    held, free = kept.reserved, stock.on_sale(kept)
    channel = pressure.channel_of(kept.holding, call.channel_id, call.now)
    wasteful, part = pressure.wasteful(channel), pressure.channels_part(held, free)
    if wasteful and channel["held"] + quantity > part:
        detail = (
            f"Most of what this channel held of it lately was not bought; it may hold {part} units at once."
        )
        raise _too_much(pointer, detail)
    keys = counts_of(call.channel_id, buyer_reference)
    books.need(HoldCount, *keys)
    count = books.get(HoldCount, *keys[1])
    stocks = count.stocks if count else None
    buyer = pressure.buyer_of(stocks, stock_id, call.now)
    pause = pressure.pause_left(buyer, call.now)
    if pause:
        raise _too_much(pointer, f"The buyer has held it {buyer['idle']} times and not bought it.", pause)
    part = pressure.buyers_part(held, free)
    if buyer["held"] + quantity > part and quantity <= free:
        raise _too_much(pointer, f"The buyer holds {buyer['held']} of at most {part} units of this.")
    calm = pressure.life(wish, held + quantity, free - quantity, floor)
    return Allowed(
        min(wish, floor) if wasteful else calm,
        pressure.noted(stocks, stock_id, pressure.held(buyer, quantity), call.now),
        pressure.noted(kept.holding, call.channel_id, pressure.held(channel, quantity), call.now),
    )


def settle(books: Books, call: Call, hold: Reservation) -> None:
    """Note what a hold has come to, which has just been closed."""
    kept, now = stock.get(books, hold.stock_id), call.now
    if kept.kind == "unlimited":
        return
    fate = pressure.fate(hold.status == "consumed", hold.created_at, now)
    count = books.get(HoldCount, *counts_of(hold.channel_id, hold.buyer_reference)[1])
    if count is not None:
        buyer = pressure.buyer_of(count.stocks, kept.id, now)
        after = pressure.ended_for_buyer(buyer, hold.quantity, fate, now)
        books.put(replace(count, stocks=pressure.noted(count.stocks, kept.id, after, now)))
    channel = pressure.channel_of(kept.holding, hold.channel_id, now)
    after = pressure.ended(channel, hold.quantity, fate, now)
    books.put(replace(kept, holding=pressure.noted(kept.holding, hold.channel_id, after, now)))


def _too_much(pointer: str, detail: str, retry_after: int = RETRY_AFTER) -> ProtocolError:
    return refuse("hold_limit_reached", pointer, detail, retry_after=retry_after)
