"""What the database itself refuses, whatever a rule may have got wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.core.model import Delivery, HoldCount, Movement, Offer, Order, Reservation, Row, Stock, Unit
from gateway.storage.engine.base import DatabaseFailure
from tests.storage.world import Shop, call_of

NOW = call_of().now
STOCK = Stock("stk_1", "counted", 5, 2, 1, 1, 1, 0)
UNIT = Unit("unt_1", "stk_1", 0, "available", b"s", "k", b"h" * 32, None)
MOVEMENT = Movement("mov_1", "stk_1", "receive", 5, None, None, NOW, "t")
HOLD = Reservation(
    "res_1", "chn_1", "off_1", "stk_1", 1, "active", 100, "EUR", {}, "b", None, None, 0, NOW, NOW, "t"
)
ORDER = Order(
    "ord_1", "chn_1", "r", "created", 1, {}, [], 100, "EUR", {}, None, None, NOW, NOW, "t"
)  # fmt: skip
OFFER = Offer(
    "off_1", 1, "active", None, {}, 100, "EUR", None, None, None, "code", "stk_1", None, "in_stock", None, NOW
)
DELIVERY = Delivery("dlv_1", "ord_1", "1", "chn_1", "code", "ready", "unt_1", None, None, 0, None, NOW)


def putting(*rows: Row) -> Callable[[Any], None]:
    """An operation that writes these rows and nothing else."""

    def run(books: Any) -> None:
        for row in rows:
            books.put(row)

    return run


@pytest.mark.parametrize(
    "rows",
    [
        (replace(STOCK, received=6),),
        (replace(STOCK, received=1, available=-2),),
        (replace(STOCK, kind="barrels"),),
        (replace(UNIT, state="lost"),),
        (replace(UNIT, state="sold"),),
        (UNIT, replace(UNIT, id="unt_2", seq=1)),
        (UNIT, replace(UNIT, id="unt_2", code_hash=b"i" * 32)),
        (replace(MOVEMENT, quantity=0),),
        (replace(MOVEMENT, kind="borrow"),),
        (replace(HOLD, quantity=0),),
        (replace(HOLD, status="maybe"),),
        (HoldCount("chn_1", "", -1),),
        (replace(ORDER, total_amount=-1),),
        (replace(OFFER, price_amount=-1),),
        (replace(OFFER, status="free"),),
        (DELIVERY, replace(DELIVERY, id="dlv_2")),
        (replace(DELIVERY, reveal_count=-1),),
    ],
    ids=lambda rows: type(rows[-1]).__name__,
)
async def test_the_database_refuses(shop: Shop, rows: tuple[Row, ...]) -> None:
    """Imbalance, unknown states, a code or a unit twice: refused, and nothing of it is kept."""
    with pytest.raises((DatabaseFailure, Exception)) as caught:
        await shop.store.run(putting(*rows))
    assert isinstance(caught.value, DatabaseFailure) or getattr(caught.value, "code", "") == "unavailable"
    assert await shop.rows(type(rows[0])) == []


async def test_what_is_right_is_taken(shop: Shop) -> None:
    """The rows that the refused ones were made from are themselves fine, new and again."""
    fine = (STOCK, UNIT, MOVEMENT, HOLD, ORDER, OFFER, DELIVERY)
    for _ in range(2):
        await shop.store.run(putting(*fine))
    for row in fine:
        [kept] = await shop.rows(type(row))
        assert (replace(kept, position=None) if isinstance(kept, Offer) else kept) == row
