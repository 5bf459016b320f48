"""Whether leases are what stocks and orders say of them (core/allotments.py)."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import func, select

from gateway.core.model import Order
from gateway.storage.engine.base import Engine
from gateway.storage.tables import allotments, orders, stocks

REMAINING = select(allotments.c.stock_id, func.sum(allotments.c.remaining)).group_by(allotments.c.stock_id)
ALLOTTED = select(stocks.c.id, stocks.c.allotted)
SOLD = select(allotments.c.id, allotments.c.sold)
SALES = select(orders).where(orders.c.allotment.is_not(None))


async def misleased(engine: Engine) -> list[tuple[str, str, int, int]]:
    """(stock or lease, what, expected, found) for each that is wrong."""
    remaining = {row[0]: int(row[1]) for row in await engine.scan(REMAINING)}
    found = [
        (stock_id, "allotted, by its leases", remaining.get(stock_id, 0), int(allotted))
        for stock_id, allotted in await engine.scan(ALLOTTED)
    ]
    sales: Counter[str] = Counter()
    order: Order
    for order in await engine.rows(Order, SALES):
        if order.allotment and order.allotment["taken_from"] == "lease":
            sales[order.allotment["id"]] += sum(line["quantity"] for line in order.lines)
    found += [
        (lease, "sold, by its orders", sales[lease], int(sold)) for lease, sold in await engine.scan(SOLD)
    ]
    return [one for one in found if one[2] != one[3]]
