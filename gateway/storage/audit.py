"""Whether the books balance: counters against movements against units, deliveries against sales."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, case, func, select

from gateway.core.stock import EFFECTS
from gateway.storage.audit_allotments import misleased
from gateway.storage.audit_identity import misjoined
from gateway.storage.audit_limits import miscounted
from gateway.storage.audit_ownership import misowned
from gateway.storage.audit_ownership_log import misplaced
from gateway.storage.audit_sealed import missealed
from gateway.storage.audit_supplies import astray
from gateway.storage.engine.base import Engine
from gateway.storage.tables import (
    COUNTERS,
    deliveries,
    hold_counts,
    movements,
    reservations,
    stocks,
    units,
)


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """What should be equal and is not."""

    subject: str  # a stock's, unit's or channel's id
    what: str
    expected: int
    found: int


STOCKS = select(stocks.c.id, stocks.c.kind, *(stocks.c[name] for name in COUNTERS))
MOVED = select(movements.c.stock_id, movements.c.kind, func.sum(movements.c.quantity)).group_by(
    movements.c.stock_id, movements.c.kind
)
UNITS = select(units.c.stock_id, units.c.state, func.count()).group_by(units.c.stock_id, units.c.state)
HELD = (
    select(reservations.c.stock_id, func.sum(reservations.c.quantity))
    .where(reservations.c.status == "active")
    .group_by(reservations.c.stock_id)
)
TWICE = (
    select(deliveries.c.unit_id, func.count())
    .where(deliveries.c.unit_id.is_not(None))
    .group_by(deliveries.c.unit_id)
    .having(func.count() > 1)
)
ASTRAY = (
    select(units.c.id, func.count(deliveries.c.id))
    .join(
        deliveries,
        and_(
            deliveries.c.unit_id == units.c.id,
            deliveries.c.order_id == units.c.order_id,
            deliveries.c.status != "voided",
        ),
        isouter=True,
    )
    .where(units.c.state == "sold")
    .group_by(units.c.id)
    .having(func.count(deliveries.c.id) != 1)
)
# What was taken back must stay out of sale: its unit is voided with it.
ALIVE = (
    select(units.c.id)
    .join(deliveries, deliveries.c.unit_id == units.c.id)
    .where(deliveries.c.status == "voided", units.c.state != "voided")
)
HOLDING = (
    select(reservations.c.channel_id, reservations.c.buyer_reference, func.sum(reservations.c.quantity))
    .where(reservations.c.status == "active")
    .group_by(reservations.c.channel_id, reservations.c.buyer_reference)
)
COUNTED = select(hold_counts.c.channel_id, hold_counts.c.buyer_reference, hold_counts.c.quantity)
DELIVERED = select(
    func.count(deliveries.c.unit_id), func.sum(case((deliveries.c.reveal_count > 0, 1), else_=0))
)


async def audit(engine: Engine) -> list[Discrepancy]:
    """Everything that does not balance; an empty list is a good one.

    Each query sees one instant; while the gateway trades, two of them see different ones, so a discrepancy that a
    second audit does not find again is none.
    """
    moved = _grouped(await engine.scan(MOVED))
    counted = _grouped(await engine.scan(UNITS))
    held = {row[0]: int(row[1]) for row in await engine.scan(HELD)}
    found: list[Discrepancy] = []
    for stock_id, kind, *counters in await engine.scan(STOCKS):
        values = dict(zip(COUNTERS, counters, strict=True))
        found += _stock(stock_id, values, moved.get(stock_id, {}), held.get(stock_id, 0))
        if kind == "codes":
            found += _pool(stock_id, values, counted.get(stock_id, {}))
    found += [Discrepancy(row[0], "deliveries of the unit", 1, row[1]) for row in await engine.scan(TWICE)]
    found += [
        Discrepancy(row[0], "deliveries of the sold unit", 1, row[1]) for row in await engine.scan(ASTRAY)
    ]
    found += [
        Discrepancy(row[0], "units taken back and not voided", 0, 1) for row in await engine.scan(ALIVE)
    ]
    for subject, wanted, counted_units in await miscounted(engine):
        found.append(Discrepancy(subject, "units that count against its limit", wanted, counted_units))
    found += [Discrepancy(*wrong) for wrong in await misleased(engine)]
    found += [Discrepancy(*one) for one in await astray(engine)]
    found += [Discrepancy(*one) for one in await misplaced(engine)]
    found += [Discrepancy(*one) for one in await misowned(engine)]
    found += [Discrepancy(*one) for one in await misjoined(engine)]
    found += [Discrepancy(subject, what, 0, 1) for subject, what in await missealed(engine)]
    return found + await _holds(engine)


async def totals(engine: Engine) -> dict[str, int]:
    """Counters summed over all stocks, codes delivered, and deliveries opened."""
    rows = await engine.scan(STOCKS)
    summed = {name: sum(int(row[place]) for row in rows) for place, name in enumerate(COUNTERS, 2)}
    delivered = (await engine.scan(DELIVERED))[0]
    return {**summed, "codes_delivered": int(delivered[0]), "deliveries_opened": int(delivered[1] or 0)}


def _stock(
    stock_id: str, values: Mapping[str, int], moved: Mapping[str, int], held: int
) -> list[Discrepancy]:
    """received = available + reserved + allotted + sold + voided, each counter the sum of its movements."""
    parts = COUNTERS[1:]
    pairs = [(" + ".join(parts), values["received"], sum(values[name] for name in parts))]
    for name in COUNTERS:
        expected = sum(effect.get(name, 0) * moved.get(kind, 0) for kind, effect in EFFECTS.items())
        pairs.append((f"{name}, by its movements", expected, values[name]))
    pairs.append(("reserved, by its holds", held, values["reserved"]))
    return _unequal(stock_id, pairs)


def _pool(stock_id: str, values: Mapping[str, int], counted: Mapping[str, int]) -> list[Discrepancy]:
    """Units are not tied to a hold or a lease: what is reserved or allotted is still an available unit."""
    unsold = values["available"] + values["reserved"] + values["allotted"]
    pairs = [
        ("units available", unsold, counted.get("available", 0)),
        ("units sold", values["sold"], counted.get("sold", 0)),
        ("units voided", values["voided"], counted.get("voided", 0)),
    ]
    return _unequal(stock_id, pairs)


async def _holds(engine: Engine) -> list[Discrepancy]:
    """Units that channels and buyers hold, by their holds."""
    expected: dict[tuple[str, str], int] = {}
    for channel_id, buyer, quantity in await engine.scan(HOLDING):
        for key in ((channel_id, ""), (channel_id, buyer)):
            expected[key] = expected.get(key, 0) + int(quantity)
    counted = {(row[0], row[1]): int(row[2]) for row in await engine.scan(COUNTED)}
    found: list[Discrepancy] = []
    for key in sorted(expected.keys() | counted.keys()):
        what = "units held by the channel" if not key[1] else "units held by one of its buyers"
        found += _unequal(key[0], [(what, expected.get(key, 0), counted.get(key, 0))])
    return found


def _unequal(subject: str, pairs: list[tuple[str, int, int]]) -> list[Discrepancy]:
    return [Discrepancy(subject, what, wanted, found) for what, wanted, found in pairs if wanted != found]


def _grouped(rows: list[Any]) -> dict[str, dict[str, int]]:
    grouped: dict[str, dict[str, int]] = {}
    for subject, name, quantity in rows:
        grouped.setdefault(subject, {})[name] = int(quantity)
    return grouped
