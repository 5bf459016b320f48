"""Goods made on demand: one supply for each unit, from the order's own operation to its end (ORD-050 on).

The supplier is asked between two operations: `ask` notes that it will be, before; `note_made` and the others what came
of it, after. Nothing is refunded of which it is not known that it is not made (ORD-054).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from gateway.core import delivery, events, life, limits, refunds, stock, tokens
from gateway.core.errors import ProtocolError, missing
from gateway.core.goods import check_made
from gateway.core.model import Call, Json, Offer, Order
from gateway.core.model_supplies import SuppliedCode, Supply
from gateway.core.ports import Books, Vault
from gateway.core.rows import replace
from gateway.core.suppliers import VALID, SupplyRequest

GIVE_UP_AFTER = timedelta(minutes=15)
OPEN = frozenset({"waiting", "asked", "parked"})
UNIQUE = frozenset({"code", "licence", "token"})  # two receipts may well read alike


def start(books: Books, call: Call, order: Order, offers: Sequence[Offer]) -> None:
    """Write a supply for each unit of the lines that are made on demand; `offers` by line."""
    for line, offer in zip(order.lines, offers, strict=True):
        for unit in range(1, line["quantity"] + 1) if offer.supplier else ():
            books.put(_new(books, call, order, line, offer, unit))


def ask(books: Books, call: Call, supply_id: str, attempts: int) -> tuple[Supply, SupplyRequest] | None:
    """Note that the supplier is asked now, for the one who saw it after so many `attempts`; what to ask.

    None when it is not theirs any more: somebody else asked since, or there is nothing to ask for.
    """
    found = books.get(Supply, supply_id)
    if found is None or found.state not in ("waiting", "asked") or found.attempts != attempts:
        return None
    asked = replace(found, state="asked", attempts=attempts + 1, asked_at=call.now, updated_at=call.now)
    books.put(asked)
    return asked, request_of(books, call, asked)


def request_of(books: Books, call: Call, supply: Supply) -> SupplyRequest:
    """What the supplier is told of a unit. `valid_until` is that of the last asking."""
    order, offer = _order(books, supply), delivery.offer_of(books, supply.offer_id)
    line = _line(order, supply)
    asked_at = supply.asked_at or call.now
    return SupplyRequest(
        id=supply.id,
        kind=offer.delivery_kind,
        product_id=line["product_id"],
        unit=supply.unit,
        traceparent=call.traceparent,
        valid_until=asked_at + VALID,
        buyer_input=line.get("buyer_input"),
    )


def note_made(books: Books, vault: Vault, call: Call, supply_id: str, goods: str) -> bool:
    """It is made: seal it, deliver it, and end the order with its last unit (ORD-051, DLV-010, DLV-040).

    False when nothing was waiting for it. Raises ProtocolError `duplicate_code` when another buyer has these goods, or
    `invalid` when they are not such goods; both without saying what they are.
    """
    supply = _open(books, supply_id)
    if supply is None:
        return False
    order, offer = _order(books, supply), delivery.offer_of(books, supply.offer_id)
    check_made(offer.delivery_kind, goods)
    if offer.delivery_kind in UNIQUE:
        _keep_for(books, supply, vault.fingerprint(goods.encode()))
    made = delivery.hand_over_made(books, vault, call, order, supply.line_id, offer, goods)
    if offer.delivery_kind == "token":
        tokens.note_made(books, call, made, goods)
    _end(books, call, supply, order, state="made", delivery_id=made.id, last_error=None)
    return True


def note_refused(books: Books, call: Call, supply_id: str, reason: str) -> bool:
    """It is not made and never will be; with its last unit the order ends (ORD-052, ORD-053).

    Also how a unit is given up: the caller knows that nothing of it is made. False when nothing was waiting for it.
    """
    supply = _open(books, supply_id)
    if supply is None:
        return False
    order, offer = _order(books, supply), delivery.offer_of(books, supply.offer_id)
    _void(books, call, order, offer, supply.line_id, 1)
    _end(books, call, supply, order, state="refused", last_error=reason)
    return True


def give_up(books: Books, call: Call, supply_id: str, attempts: int, reason: str) -> bool:
    """As `note_refused`, for the one who saw it after so many attempts: nobody may have asked for it since."""
    supply = books.get(Supply, supply_id)
    if supply is None or supply.attempts != attempts or supply.state not in ("waiting", "asked"):
        return False
    return note_refused(books, call, supply_id, reason)


def note_later(
    books: Books,
    call: Call,
    supply_id: str,
    attempts: int,
    error: str | None,
    again_at: datetime,
    sure: bool = False,
) -> bool:
    """Nothing is known yet: look again at `again_at`, or leave it to the merchant when it has taken too long (parked).

    `sure`: it is known that it will be known then. False when somebody else has asked since.
    """
    supply = books.get(Supply, supply_id)
    if supply is None or supply.attempts != attempts or supply.state not in ("waiting", "asked"):
        return False
    late = supply.state == "asked" and call.now >= supply.give_up_at and not sure
    state = "parked" if late else supply.state
    books.put(replace(supply, state=state, next_attempt_at=again_at, last_error=error, updated_at=call.now))
    return True


def park(books: Books, call: Call, supply_id: str, error: str) -> None:
    """Leave a unit to the merchant, whatever its time: it is made, and cannot be delivered."""
    supply = _open(books, supply_id)
    if supply is not None:
        books.put(replace(supply, state="parked", last_error=error, updated_at=call.now))


def retry_supply(books: Books, call: Call, supply_id: str) -> Supply:
    """The merchant: look after a parked unit again. Its supplier is asked what became of it, first.

    Raises ProtocolError `not_found` or `transition_not_allowed`.
    """
    supply = parked(books, supply_id)
    again = replace(
        supply,
        state="asked",
        next_attempt_at=call.now,
        give_up_at=call.now + GIVE_UP_AFTER,
        updated_at=call.now,
    )
    books.put(again)
    return again


def parked(books: Books, supply_id: str) -> Supply:
    """A unit that waits for the merchant. Raises ProtocolError `not_found` or `transition_not_allowed`."""
    supply = books.get(Supply, supply_id)
    if supply is None:
        raise missing("supply_id")
    if supply.state != "parked":
        raise ProtocolError("transition_not_allowed", f"The unit is {supply.state}, not parked.")
    return supply


def cancel(books: Books, call: Call, order: Order, reason: str | None) -> Order:
    """End an order of which nothing was asked of a supplier yet, with the money back (ORD-056).

    Raises ProtocolError `transition_not_allowed` when anything was, or is delivered already (ORD-057).
    """
    found = _of_order(books, order.id)
    units = sum(line["quantity"] for line in order.lines)
    if len(found) < units or any(one.state != "waiting" for one in found):
        raise ProtocolError(
            "transition_not_allowed", "Goods of the order are being made, or are there already."
        )
    for one in found:
        books.put(replace(one, state="cancelled", updated_at=call.now))
    for line in order.lines:
        offer = delivery.offer_of(books, line["offer_id"])
        _void(books, call, order, offer, line["id"], line["quantity"])
    refund = refunds.instruct(books, call, order, refunds.left(order), "cancelled")
    cancellation: Json = {} if reason is None else {"reason": reason}
    ended = life.advance(
        order, call.now, "cancel", cancellation=cancellation, refunds=[*order.refunds, refund]
    )
    books.put(ended)
    events.order_updated(books, call, ended)
    return ended


def _new(books: Books, call: Call, order: Order, line: Json, offer: Offer, unit: int) -> Supply:
    return Supply(
        id=books.new_id("sup"),
        order_id=order.id,
        line_id=line["id"],
        unit=unit,
        offer_id=offer.id,
        supplier=offer.supplier or "",
        state="waiting",
        attempts=0,
        next_attempt_at=call.now,
        asked_at=None,
        give_up_at=call.now + GIVE_UP_AFTER,
        delivery_id=None,
        last_error=None,
        created_at=call.now,
        updated_at=call.now,
        trace_id=call.trace_id,
    )


def _keep_for(books: Books, supply: Supply, code_hash: bytes) -> None:
    """That this code is one buyer's (DLV-002). Raises ProtocolError `duplicate_code`."""
    name = code_hash.hex()
    if books.find_codes([code_hash]) or books.get(SuppliedCode, name) is not None:
        raise ProtocolError("duplicate_code", "The supplier gave a code that is in stock or sold.")
    books.put(SuppliedCode(name, supply.id))


def _end(books: Books, call: Call, supply: Supply, order: Order, **changes: Any) -> None:
    """Close a unit; when it was the order's last, end the order."""
    books.put(replace(supply, updated_at=call.now, **changes))
    found = _of_order(books, order.id)
    if any(one.state in OPEN for one in found):
        return
    lost = Counter(one.line_id for one in found if one.state == "refused")
    if not lost:
        ended = life.advance(order, call.now, "complete_fulfilment")
    else:
        refund = refunds.instruct(books, call, order, lost, "fulfilment_failed")
        whole = lost.total() == sum(line["quantity"] for line in order.lines)
        steps = ("fail_fulfilment",) if whole else ("complete_fulfilment", "refund_part")
        ended = life.advance(order, call.now, *steps, refunds=[*order.refunds, refund])
    books.put(ended)
    events.order_updated(books, call, ended)


def _void(books: Books, call: Call, order: Order, offer: Offer, line_id: str, quantity: int) -> None:
    """Units that were sold and are not made: neither sold in the books, nor counted against a limit."""
    stock.take_back(books, call, offer.stock_id, quantity, order.id)
    limits.give_back(books, (order.counted or {}).get(line_id), quantity)


def _of_order(books: Books, order_id: str) -> list[Supply]:
    found = [books.get(Supply, one) for one in books.order_supplies(order_id)]
    return [one for one in found if one is not None]


def _open(books: Books, supply_id: str) -> Supply | None:
    supply = books.get(Supply, supply_id)
    return supply if supply is not None and supply.state in OPEN else None


def _order(books: Books, supply: Supply) -> Order:
    order = books.get(Order, supply.order_id)
    if order is None:
        raise LookupError(f"order {supply.order_id} of a supply does not exist")
    return order


def _line(order: Order, supply: Supply) -> Json:
    return next(line for line in order.lines if line["id"] == supply.line_id)
