"""What the audit sees of supplies that are not as they should be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from gateway.storage.audit import audit
from tests.relay.supplying import Works

BREAKS = {
    "UPDATE supplies SET state = 'refused', delivery_id = NULL": "units handed over",
    "DELETE FROM supplies": "units that the waiting order waits for",
    "UPDATE supplies SET line_id = 'ln_other'": "units to be made of line",
    "UPDATE orders SET status = 'fulfilled'": "whether the order waits for units",
    "UPDATE deliveries SET order_id = 'ord_other'": "deliveries of the made unit",
    "UPDATE deliveries SET status = 'voided'": "units refunded, by what can be opened",
    "DELETE FROM orders": "orders of the unit that is made",
}


@pytest.mark.parametrize("broken", BREAKS)
async def test_the_audit_sees_it(works: Works, broken: str) -> None:
    """Made and not delivered, waiting for nothing, refunded or not, whichever way they are told apart."""
    works.supplier.script = ["make", "pending"]
    await works.order(2)
    if "status = 'voided'" in broken:
        works.supplier.script = []
    await works.work()
    assert await works.balanced()
    engine = works.house.outbox._engine
    async with engine.transaction() as transaction:
        await transaction.run(text(broken))
        await transaction.commit()
    assert BREAKS[broken] in " ".join(one.what for one in await audit(engine))


@pytest.mark.parametrize("state", ["refused", "cancelled"])
async def test_the_audit_misses_a_refund(works: Works, state: str) -> None:
    """A unit that is not made, in an order that says nothing of money."""
    if state == "refused":
        works.supplier.manner = "refuse"
    order = await works.order(2)
    if state == "cancelled":
        await works.world.cancel(works.channel, order)
    await works.work()
    now = await works.world.order_now(order)
    for refunds in ([], [{**now.refunds[0], "lines": [{**now.refunds[0]["lines"][0], "quantity": 1}]}]):
        await works.world.run(lambda books, kept=refunds: books.put(replace(now, refunds=kept)))  # type: ignore[misc]
        assert "refunded, not made" in " ".join(one.what for one in await audit(works.house.outbox._engine))
