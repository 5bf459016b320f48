"""Stock: counters, the units behind them, and one Movement row for every change (INV-001, INV-015)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from gateway.core import events
from gateway.core.errors import FieldError, ProtocolError, at, refuse
from gateway.core.model import Call, Json, Movement, Stock, Unit
from gateway.core.ports import Books, Vault
from gateway.core.rows import replace

Kind = Literal["codes", "counted", "unlimited"]
LOW_THRESHOLD = 5

# What one unit of each kind of movement does to the counters. Every row keeps
# received = available + reserved + sold + voided, so no sequence of movements can break it.
EFFECTS: dict[str, dict[str, int]] = {
    "receive": {"received": 1, "available": 1},
    "reserve": {"available": -1, "reserved": 1},
    "release": {"reserved": -1, "available": 1},
    "expire": {"reserved": -1, "available": 1},
    "sell": {"available": -1, "sold": 1},
    "sell_reserved": {"reserved": -1, "sold": 1},
    "void": {"available": -1, "voided": 1},
    "take_back": {"sold": -1, "voided": 1},
}


def create(books: Books, kind: Kind, low_threshold: int = LOW_THRESHOLD, safety: int = 0) -> Stock:
    """An empty stock. At `low_threshold` units or fewer its offers show `low_stock`; `safety` are kept from sale."""
    stock = Stock(books.new_id("stk"), kind, 0, 0, 0, 0, 0, low_threshold, safety)
    books.put(stock)
    return stock


def create_counted(
    books: Books, call: Call, quantity: int, low_threshold: int = LOW_THRESHOLD, safety: int = 0
) -> Stock:
    """A counted stock of so many units."""
    stock = create(books, "counted", low_threshold, safety)
    return _move(books, call, stock, "receive", quantity, announce=False)


def create_pool(
    books: Books,
    vault: Vault,
    call: Call,
    codes: Sequence[str],
    low_threshold: int = LOW_THRESHOLD,
    safety: int = 0,
) -> Stock:
    """A pool with these codes. Raises ProtocolError `duplicate_code`, as `receive_codes` does."""
    stock = create(books, "codes", low_threshold, safety)
    _seal_units(books, vault, stock, codes, "/codes")
    return _move(books, call, stock, "receive", len(codes), announce=False)


def get(books: Books, stock_id: str) -> Stock:
    """The stock, locked; one that an offer refers to always exists."""
    stock = books.get(Stock, stock_id)
    if stock is None:
        raise LookupError(f"stock {stock_id} is referred to but does not exist")
    return stock


def on_sale(stock: Stock) -> int:
    """What channels can hold and sell: what is available, without the safety stock (INV-020)."""
    return max(stock.available - stock.safety, 0)


def prepare(books: Books, stock_id: str, quantity: int) -> None:
    """Note what selling from this stock will read."""
    kept = books.peek(Stock, stock_id)
    if kept is not None and kept.kind == "codes":
        books.need_units(stock_id, quantity)


def availability(stock: Stock) -> str:
    """in_stock, low_stock or out_of_stock (CAT-006, INV-021). What is unlimited is always in stock."""
    if stock.kind == "unlimited":
        return "in_stock"
    if on_sale(stock) == 0:
        return "out_of_stock"
    return "low_stock" if on_sale(stock) <= stock.low_threshold else "in_stock"


def short_of(stock: Stock, quantity: int, whole: bool = False) -> bool:
    """Whether fewer than `quantity` can be had now; `whole`: with the safety stock."""
    there = stock.available if whole else on_sale(stock)
    return stock.kind != "unlimited" and there < quantity


def set_levels(
    books: Books, call: Call, stock_id: str, low_threshold: int | None = None, safety: int | None = None
) -> Stock:
    """Change what the merchant has decided about a stock; what is None stays. Its offers show it (EVT-005)."""
    before = get(books, stock_id)
    low = before.low_threshold if low_threshold is None else low_threshold
    after = replace(before, low_threshold=low, safety=before.safety if safety is None else safety)
    if after == before:
        return before
    books.put(after)
    if availability(before) != availability(after):
        _announce(books, call, after)
    return after


def receive(books: Books, call: Call, stock_id: str, quantity: int) -> Stock:
    """More of a counted stock."""
    return _move(books, call, get(books, stock_id), "receive", quantity)


def receive_codes(
    books: Books, vault: Vault, call: Call, stock_id: str, codes: Sequence[str], pointer: str = "/codes"
) -> Stock:
    """More of a pool: each code sealed under its unit's id, byte for byte (DLV-010, CNV-008).

    Raises ProtocolError `duplicate_code`, naming the places of the codes that are there already, never a code.
    """
    stock = get(books, stock_id)
    _seal_units(books, vault, stock, codes, pointer)
    return _move(books, call, stock, "receive", len(codes))


def reserve(
    books: Books,
    call: Call,
    stock_id: str,
    quantity: int,
    reservation_id: str,
    pointer: str = "/quantity",
    holding: Json | None = None,
) -> Stock:
    """Take from what others can buy; `holding` is noted with it. Raises ProtocolError `out_of_stock` (INV-002)."""
    stock = _have(books, call, stock_id, quantity, pointer)
    return _move(books, call, stock, "reserve", quantity, reservation_id=reservation_id, holding=holding)


def release(books: Books, call: Call, stock_id: str, quantity: int, reservation_id: str) -> Stock:
    """Back to sale, given back (INV-006)."""
    return _move(books, call, get(books, stock_id), "release", quantity, reservation_id=reservation_id)


def expire(books: Books, call: Call, stock_id: str, quantity: int, reservation_id: str) -> Stock:
    """Back to sale, because its time is over (INV-004)."""
    return _move(books, call, get(books, stock_id), "expire", quantity, reservation_id=reservation_id)


def sell(
    books: Books,
    call: Call,
    stock_id: str,
    quantity: int,
    order_id: str,
    pointer: str = "/quantity",
    whole: bool = False,
) -> list[Unit]:
    """Sell what nobody holds; gives the units of a pool, else nothing. `whole`: the safety stock too (ORD-046).

    Raises ProtocolError `out_of_stock`.
    """
    stock = _have(books, call, stock_id, quantity, pointer, whole)
    _move(books, call, stock, "sell", quantity, order_id=order_id)
    return _take(books, stock, quantity, "sold", order_id)


def sell_reserved(
    books: Books, call: Call, stock_id: str, quantity: int, order_id: str, reservation_id: str
) -> list[Unit]:
    """Sell what a hold has kept; gives the units of a pool, else nothing."""
    stock = get(books, stock_id)
    _move(books, call, stock, "sell_reserved", quantity, reservation_id=reservation_id, order_id=order_id)
    return _take(books, stock, quantity, "sold", order_id)


def void(books: Books, call: Call, stock_id: str, quantity: int, pointer: str = "/quantity") -> Stock:
    """Take unsold units out of sale for good. Raises ProtocolError `out_of_stock` if there are not so many."""
    stock = get(books, stock_id)
    if stock.available < quantity:
        raise refuse("out_of_stock", pointer, f"Only {stock.available} unsold units are there to be voided.")
    after = _move(books, call, stock, "void", quantity)
    _take(books, stock, quantity, "voided", None)
    return after


def take_back(books: Books, call: Call, stock_id: str, quantity: int, order_id: str) -> Stock:
    """Void what was sold: it is never for sale again (ORD-027). The caller voids the units."""
    return _move(books, call, get(books, stock_id), "take_back", quantity, order_id=order_id)


def _have(books: Books, call: Call, stock_id: str, quantity: int, pointer: str, whole: bool = False) -> Stock:
    """The stock with at least `quantity` available; what is unlimited counts as received when it is handed out."""
    stock = get(books, stock_id)
    if short_of(stock, quantity, whole):
        there = stock.available if whole else on_sale(stock)
        raise refuse("out_of_stock", pointer, f"{there} can be had, {quantity} were asked for.")
    if stock.available < quantity:
        return _move(books, call, stock, "receive", quantity - stock.available)
    return stock


def _move(
    books: Books,
    call: Call,
    before: Stock,
    kind: str,
    quantity: int,
    reservation_id: str | None = None,
    order_id: str | None = None,
    announce: bool = True,
    holding: Json | None = None,
) -> Stock:
    # nothing is announced of a stock that is only being made: no offer can sell from it yet, and a rule must not read
    # by an id that it makes up itself, because that is another one each time it is run
    if quantity == 0:
        return before
    changes: Json = {name: getattr(before, name) + sign * quantity for name, sign in EFFECTS[kind].items()}
    after = replace(before, **changes, holding=holding or before.holding)
    books.put(after)
    movement_id = books.new_id("mov")
    books.put(
        Movement(movement_id, before.id, kind, quantity, reservation_id, order_id, call.now, call.trace_id)
    )
    if announce and availability(before) != availability(after):
        _announce(books, call, after)
    return after


def _announce(books: Books, call: Call, stock: Stock) -> None:
    """Offers that sell from this stock show it, in the feed and by event (EVT-005)."""
    shown = availability(stock)
    for offer in books.offers_of_stock(stock.id):
        if offer.status == "deleted" or offer.availability == shown:
            continue
        changed = replace(
            offer, revision=offer.revision + 1, availability=shown, position=None, updated_at=call.now
        )
        books.put(changed)
        events.offer_changed(books, call, changed, "availability.changed")


def _take(books: Books, stock: Stock, quantity: int, state: str, order_id: str | None) -> list[Unit]:
    if stock.kind != "codes" or quantity == 0:
        return []
    units = books.take_units(stock.id, quantity)
    if len(units) != quantity:
        raise LookupError(f"stock {stock.id} counts more units than it has")
    taken = [replace(unit, state=state, order_id=order_id) for unit in units]
    for unit in taken:
        books.put(unit)
    return taken


def _seal_units(books: Books, vault: Vault, stock: Stock, codes: Sequence[str], pointer: str) -> None:
    hashes = [vault.fingerprint(code.encode()) for code in codes]
    _refuse_duplicates(books, hashes, pointer)
    for offset, (code, code_hash) in enumerate(zip(codes, hashes, strict=True)):
        unit_id, key_id = books.new_id("unt"), vault.current_key_id
        sealed = vault.seal(code.encode(), unit_id)
        seq = stock.received + offset
        books.put(Unit(unit_id, stock.id, seq, "available", sealed, key_id, code_hash, None))


def _refuse_duplicates(books: Books, hashes: Sequence[bytes], pointer: str) -> None:
    known = books.find_codes(list(dict.fromkeys(hashes)))
    seen: set[bytes] = set()
    errors: list[FieldError] = []
    for index, code_hash in enumerate(hashes):
        if code_hash in known or code_hash in seen:
            errors.append(at(f"{pointer}/{index}", "This code is already in stock or sold."))
        seen.add(code_hash)
    if errors:
        raise ProtocolError("duplicate_code", f"{len(errors)} codes are there already.", *errors[:100])
