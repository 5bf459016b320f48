"""Whether the counts of limits are what holds and orders say (core/limits.py)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import select

from gateway.core import limits, refunds
from gateway.core.model import Json, Order, Reservation
from gateway.core.model_allotments import Allotment
from gateway.core.model_limits import SaleCount
from gateway.storage.engine.base import Engine
from gateway.storage.tables import allotments, orders, reservations, sale_counts

HELD = select(reservations).where(reservations.c.status == "active", reservations.c.counted.is_not(None))
LEASED = select(allotments).where(allotments.c.status != "ended", allotments.c.counted.is_not(None))
COUNTS = select(sale_counts)
SOLD = select(orders).where(orders.c.counted.is_not(None), orders.c.payment_due_at.is_(None))
Key = tuple[str, ...]


async def miscounted(engine: Engine) -> list[tuple[str, int, int]]:
    """(whose count, units that should count, units that do), for each that is wrong.

    Days that have fallen out of a limit's period are forgotten when something is counted again; they need not be there.
    """
    expected: Counter[tuple[Key, str]] = Counter()
    hold: Reservation
    for hold in await engine.rows(Reservation, HELD):
        _add(expected, hold.counted or [], hold.quantity)
    lease: Allotment
    for lease in await engine.rows(Allotment, LEASED):
        _add(expected, lease.counted or [], lease.remaining)
    order: Order
    for order in await engine.rows(Order, SOLD):
        left = refunds.left(order) if order.status not in limits.UNSOLD else {}
        for line_id, noted in (order.counted or {}).items():
            _add(expected, noted, left.get(line_id, 0))
    rows = {
        tuple(getattr(row, name) for name in SaleCount.KEY): row
        for row in await engine.rows(SaleCount, COUNTS)
    }
    keys = sorted({key for key, _ in expected} | rows.keys())
    return [wrong for key in keys for wrong in _compare(key, rows.get(key), expected)]


def _add(expected: Counter[tuple[Key, str]], noted: list[Json], units: int) -> None:
    for one in noted:
        if units:
            expected[tuple(one[name] for name in SaleCount.KEY), one["day"]] += units


def _compare(
    key: Key, row: SaleCount | None, expected: Counter[tuple[Key, str]]
) -> Iterator[tuple[str, int, int]]:
    days = row.days if row else {}
    newest = max((int(day) for day in days), default=0)
    wanted = {day: units for (other, day), units in expected.items() if other == key}
    kept = {day: units for day, units in wanted.items() if day in days or not 0 < int(day) < newest}
    if kept != days or (row is not None and row.quantity != sum(days.values())):
        yield " ".join(key), sum(kept.values()), row.quantity if row else 0
