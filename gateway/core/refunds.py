"""Refunds as values: what is left of an order, and the instruction for the side that has the money (ORD-025)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from gateway.core import wire
from gateway.core.model import Call, Json, Order
from gateway.core.ports import Books


def left(order: Order) -> dict[str, int]:
    """Units of each line that have not been refunded, by line id; lines of which nothing is left are not there."""
    back: Counter[str] = Counter()
    for refund in order.refunds:
        for line in refund["lines"]:
            back[line["line_id"]] += line["quantity"]
    rest = {line["id"]: line["quantity"] - back[line["id"]] for line in order.lines}
    return {line_id: quantity for line_id, quantity in rest.items() if quantity > 0}


def instruct(
    books: Books,
    call: Call,
    order: Order,
    quantities: Mapping[str, int],
    reason: str,
    reference: str | None = None,
) -> Json:
    """The Refund of so many units of each line, at the order's prices. The caller takes the goods back first."""
    back = [(line, quantities.get(line["id"], 0)) for line in order.lines]
    lines = [_line(line, quantity) for line, quantity in back if quantity]
    amount = wire.money(sum(line["amount"]["amount"] for line in lines), order.currency)
    instruction: Json = {"action": "return_payment", "collected_by": "channel", "amount": amount}
    if "reference" in order.payment:
        instruction["payment_reference"] = order.payment["reference"]
    refund: Json = {
        "id": books.new_id("rfd"),
        "order_id": order.id,
        "status": "instructed",
        "reason": reason,
        "lines": lines,
        "amount": amount,
        "instruction": instruction,
        "created_at": wire.timestamp(call.now),
    }
    return refund if reference is None else {**refund, "reference": reference}


def _line(line: Json, quantity: int) -> Json:
    price = line["unit_price"]
    amount = wire.money(price["amount"] * quantity, price["currency"])
    return {"line_id": line["id"], "quantity": quantity, "amount": amount}
