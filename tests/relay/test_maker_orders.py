"""Orders of goods made on demand: held, cancelled, limited, sealed, paid late."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from conformance import jwe
from gateway.core.model import Delivery, Event, Offer, Order
from gateway.core.model_supplies import Supply
from gateway.storage.engine import open_engine
from gateway.storage.supplies import Supplies
from tests.core.stores import DatabaseStore
from tests.core.world import line, refused
from tests.relay.supplying import FORM, Works


async def test_goods_that_another_has(works: Works) -> None:
    """DLV-002: a supplier that gives one code twice, or one that is in stock: the second is parked, not delivered."""
    await works.world.offer(codes=["IN-STOCK"])
    works.supplier.goods = "IN-STOCK"
    await works.order()
    await works.work()
    works.supplier.goods = "TWICE"
    await works.order()
    await works.work()
    await works.order()
    await works.work()
    assert await works.states() == ["parked", "made", "parked"]
    assert "TWICE" not in repr(await works.units())
    assert await works.goods() == ["TWICE"]
    assert await works.balanced()


async def test_limits_count_what_is_made(works: Works) -> None:
    """ORD-041: what could not be made, and what was cancelled, does not count against the buyer's limit."""
    limit = {"purchase_limit": {"quantity": 2}}
    offer = await works.world.offer(restrictions=limit, on_demand={"supplier": "makes"})
    works.supplier.script = ["refuse", "refuse"]
    await works.world.order(works.channel, line(offer, 2))
    await refused("purchase_limit_reached", works.world.order(works.channel, line(offer)))
    await works.work()
    order = await works.world.order(works.channel, line(offer, 2))
    await works.world.cancel(works.channel, order)
    await works.world.order(works.channel, line(offer, 2))
    await works.work()
    await refused("purchase_limit_reached", works.world.order(works.channel, line(offer)))
    assert await works.balanced()


async def test_held_and_then_made(works: Works) -> None:
    """A hold on goods made on demand becomes an order like any other (ORD-009)."""
    offer = await works.world.offer(on_demand={"supplier": "makes"})
    hold = await works.world.hold(works.channel, offer, 2)
    order = await works.world.order(works.channel, line(offer, 2, hold))
    await works.work()
    assert (await works.world.order_now(order)).status == "fulfilled"
    assert await works.balanced()


async def test_cancel(works: Works) -> None:
    """ORD-056, ORD-057: while nothing has been asked for, with the money back; not after that."""
    order, other = await works.order(2), await works.order(2)
    cancelled = await works.world.cancel(works.channel, order, "changed my mind")
    assert (cancelled.status, cancelled.refunds[0]["reason"]) == ("cancelled", "cancelled")
    assert cancelled.refunds[0]["amount"]["amount"] == 2000
    assert await works.states() == ["cancelled"] * 2 + ["waiting"] * 2
    await works.ask((await works.units())[3])
    await refused("transition_not_allowed", works.world.cancel(works.channel, other))
    await works.later()
    assert works.supplier.makings == 2
    assert (await works.world.order_now(other)).status == "fulfilled"
    stocked = await works.world.offer(codes=["A-1"])
    mixed = await works.order(1, line(stocked))
    await refused("transition_not_allowed", works.world.cancel(works.channel, mixed))
    assert await works.balanced()


async def test_cancelled_while_claimed(works: Works) -> None:
    """An order that is cancelled after a worker took its unit and before it asked: the supplier is not asked."""
    order = await works.order()
    (claimed,) = await works.box.claim_supplies(
        works.world.now, works.world.now + timedelta(seconds=90), {"sandbox.makes": 1}, 0
    )
    await works.world.cancel(works.channel, order)
    await works.maker._advance(claimed)
    assert works.supplier.calls == []
    assert await works.balanced()


async def test_topups(works: Works, caplog: pytest.LogCaptureFixture) -> None:
    """DLV-042, ORD-007: the buyer's input is checked, goes to the supplier, and neither to logs nor into events."""
    caplog.set_level(logging.DEBUG)
    offer = await works.world.offer(delivery_kind="topup", buyer_input=FORM, on_demand={"supplier": "makes"})
    for bad, place in (({"account": "x"}, "/account"), ({}, ""), (None, "")):
        attempt = works.world.order(
            works.channel, line(offer, **({} if bad is None else {"buyer_input": bad}))
        )
        await refused("buyer_input_invalid", attempt, f"/lines/0/buyer_input{place}")
    assert await works.units() == []
    works.supplier.script = ["error"]
    order = await works.world.order(works.channel, line(offer, buyer_input={"account": "anna-4711"}))
    await works.work()
    await works.later()
    assert works.supplier.bodies[0]["buyer_input"] == {"account": "anna-4711"}
    assert works.supplier.bodies[0]["kind"] == "topup"
    (receipt,) = works.supplier.made.values()
    (made,) = await works.world.rows(Delivery)
    opened = await works.world.reveal(works.channel, made.id)
    assert opened["goods"] == {"kind": "topup", "topup": {"receipt": receipt}}
    assert (await works.world.order_now(order)).status == "fulfilled"
    assert "anna-4711" not in caplog.text
    for kind in (Supply, Event, Delivery):
        assert "anna-4711" not in repr(await works.world.rows(kind))


@pytest.mark.parametrize("kind", ["code", "licence", "topup"])
async def test_sealed_to_the_buyer(works: Works, kind: str) -> None:
    """DLV-022, DLV-032: what a supplier makes for an order with a key is sealed when it comes, for its buyer alone."""
    offer = await works.world.offer(delivery_kind=kind, on_demand={"supplier": "makes"})
    buyers = jwe.new_key()
    await works.world.order(works.channel, line(offer), recipient_key=jwe.public(buyers))
    await works.work()
    (made,), (clear,) = await works.world.rows(Delivery), works.supplier.made.values()
    assert (made.key_id, made.sealed_to) == (None, jwe.thumbprint(buyers))
    sealed = (await works.world.reveal(works.channel, made.id))["goods"]["sealed"]["jwe"]
    opened = json.loads(jwe.open_sealed(sealed, buyers).content)
    member = {"code": "value", "licence": "key", "topup": "receipt"}[kind]
    assert opened == {"kind": kind, kind: {member: clear}}
    assert await works.balanced()


async def test_pending_and_late_payment(works: Works) -> None:
    """Nothing is asked for before the payment; a late one is fulfilled like any other (ORD-035)."""
    offer = await works.world.offer(on_demand={"supplier": "makes"})
    one = await works.world.pending(works.channel, line(offer))
    late = await works.world.pending(works.channel, line(offer))
    assert await works.work() == 0
    assert (await works.world.confirm(works.channel, one)).status == "fulfilling"
    await works.work()
    works.world.advance(4000)
    assert (await works.world.confirm(works.channel, late)).status == "fulfilling"
    await works.work()
    await works.later()
    assert {order.status for order in await works.world.rows(Order)} == {"fulfilled"}
    assert await works.balanced()


async def test_what_is_made_is_not_replaced(works: Works) -> None:
    """ORD-033: a replacement is refused as what is out of stock."""
    order = await works.order()
    await works.work()
    (made,) = await works.world.rows(Delivery)
    await refused("out_of_stock", works.world.replace(works.channel, order, made.id))


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"delivery_kind": "topup"}, "/delivery_kind"),
        ({"delivery_kind": "download", "download_url": "https://x.example/", "on_demand": {"supplier": "makes"}},
         "/delivery_kind"),
        ({"quantity": 3, "on_demand": {"supplier": "makes"}}, "/on_demand"),
        ({"codes": ["A"], "on_demand": {"supplier": "makes"}}, "/on_demand"),
    ],
)  # fmt: skip
async def test_offers_that_cannot_be(works: Works, members: dict[str, Any], pointer: str) -> None:
    """A top-up needs a supplier, a supplier makes no downloads, and what is made on demand has no stock."""
    await refused("invalid", works.world.offer(**members), pointer)
    assert await works.world.rows(Offer) == []


async def test_replicas_end_an_order_together(works: Works) -> None:
    """Several processes note the units of one order at once: the last one ends it, and nobody waits for long."""
    order = await works.order(12)
    engines = [open_engine(works.house.database_url) for _ in range(3)]
    stores = [DatabaseStore(engine) for engine in engines]
    makers = [works.another(per_supplier=4) for _ in stores]
    for maker, store in zip(makers, stores, strict=True):
        maker._writer, maker._box = store, Supplies(store.engine)
    try:
        async with asyncio.timeout(8):
            for _ in range(3):
                await asyncio.gather(*(works.work(maker) for maker in makers))
    finally:
        for store in stores:
            await store.close()
    assert await works.states() == ["made"] * 12
    assert (await works.world.order_now(order)).status == "fulfilled"
    assert await works.balanced()
