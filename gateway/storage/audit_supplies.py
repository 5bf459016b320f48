"""Whether what suppliers make is what orders say: made and delivered, or not made and refunded, and never both."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from sqlalchemy import case, func, select

from gateway.core.model import Order
from gateway.core.model_supplies import Supply
from gateway.core.supplies import OPEN
from gateway.storage.engine.base import Engine
from gateway.storage.tables import deliveries, offers, orders, supplies

Wrong = tuple[str, str, int, int]
SUPPLIES = select(supplies).order_by(supplies.c.id)
ORDERS = select(orders).where(orders.c.id.in_(select(supplies.c.order_id)))
# A made unit has one delivery, of its own order and line.
DELIVERED = (
    select(supplies.c.id, func.count(deliveries.c.id))
    .join(
        deliveries,
        (deliveries.c.id == supplies.c.delivery_id)
        & (deliveries.c.order_id == supplies.c.order_id)
        & (deliveries.c.line_id == supplies.c.line_id),
        isouter=True,
    )
    .where(supplies.c.state == "made")
    .group_by(supplies.c.id)
    .having(func.count(deliveries.c.id) != 1)
)
# By order: units handed over at first, and deliveries that can be opened now.
HANDED_OVER = (
    select(
        deliveries.c.order_id,
        func.sum(case((deliveries.c.replaces.is_(None), 1), else_=0)),
        func.sum(case((deliveries.c.status != "voided", 1), else_=0)),
    )
    .where(deliveries.c.order_id.in_(select(supplies.c.order_id)))
    .group_by(deliveries.c.order_id)
)
ON_DEMAND = select(offers.c.id).where(offers.c.supplier.is_not(None))
WAITING = select(orders.c.id).where(
    orders.c.status == "fulfilling", orders.c.id.not_in(select(supplies.c.order_id))
)


async def astray(engine: Engine) -> list[Wrong]:
    """(order's or supply's id, what, as it should be, as it is), for each that is wrong."""
    found: list[Wrong] = [
        (row[0], "deliveries of the made unit", 1, row[1]) for row in await engine.scan(DELIVERED)
    ]
    found += [(row[0], "units that the waiting order waits for", 1, 0) for row in await engine.scan(WAITING)]
    units: dict[str, list[Supply]] = defaultdict(list)
    for one in await engine.rows(Supply, SUPPLIES):
        units[one.order_id].append(one)
    made_here = {row[0] for row in await engine.scan(ON_DEMAND)}
    handed_over = {row[0]: (int(row[1]), int(row[2])) for row in await engine.scan(HANDED_OVER)}
    known: dict[str, Order] = {order.id: order for order in await engine.rows(Order, ORDERS)}
    for order_id, own in units.items():
        order = known.get(order_id)
        if order is None:
            found.append((order_id, "orders of the unit that is made", 1, 0))
        else:
            found += _order(order, own, *handed_over.get(order_id, (0, 0)), made_here)
    return found


def _order(order: Order, own: list[Supply], first: int, live: int, made_here: set[str]) -> Iterator[Wrong]:
    """`first`: units handed over at first; `live`: deliveries that can be opened."""
    lines = {line["id"]: line["quantity"] for line in order.lines if line["offer_id"] in made_here}
    there, units = Counter(one.line_id for one in own), sum(line["quantity"] for line in order.lines)
    for line_id in sorted(lines.keys() | there):
        if lines.get(line_id, 0) != there[line_id]:
            yield order.id, f"units to be made of line {line_id}", lines.get(line_id, 0), there[line_id]
    made = units - len(own) + sum(one.state == "made" for one in own)
    if first != made:
        yield order.id, "units handed over", made, first
    waits, waiting = any(one.state in OPEN for one in own), order.status == "fulfilling"
    if waits != waiting:
        yield order.id, "whether the order waits for units", int(waits), int(waiting)
    if not waits:
        yield from _given_back(order, own, units - live)


def _given_back(order: Order, own: list[Supply], gone: int) -> Iterator[Wrong]:
    """What was not made is in the refund that ended the order; what cannot be opened is refunded, and nothing else."""
    lost = Counter(one.line_id for one in own if one.state in ("refused", "cancelled"))
    refund = order.refunds[0] if lost and order.refunds else {"lines": []}
    back = {line["line_id"]: line["quantity"] for line in refund["lines"]}
    for line_id in sorted(back.keys() | lost):
        if back.get(line_id, 0) != lost[line_id]:
            yield order.id, f"units of line {line_id} refunded, not made", lost[line_id], back.get(line_id, 0)
    refunded = sum(line["quantity"] for one in order.refunds for line in one["lines"])
    if refunded != gone:
        yield order.id, "units refunded, by what can be opened", gone, refunded
