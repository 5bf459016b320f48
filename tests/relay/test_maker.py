"""Goods made on demand over real HTTP: each made once, delivered or refunded, whatever is lost on the way."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.core import supplies
from gateway.core.errors import ProtocolError
from gateway.core.model import Delivery, Event, Order
from gateway.core.model_supplies import Supply
from tests.core.world import line, refused
from tests.relay.supplying import Works


async def test_made_and_delivered(works: Works) -> None:
    """ORD-050, ORD-051: the order waits, each unit is made once, and the last one fulfils it."""
    order = await works.order(3)
    assert order.status == "fulfilling"
    assert await works.states() == ["waiting"] * 3
    assert await works.world.rows(Delivery) == []
    assert await works.work() == 3
    now = await works.world.order_now(order)
    assert (now.status, now.refunds) == ("fulfilled", [])
    assert sorted(await works.goods()) == sorted(works.supplier.made.values())
    assert works.supplier.makings == 3
    assert await works.work() == 0
    kinds = [event.type for event in await works.world.events(works.channel)]
    assert kinds.count("delivery.ready") == 3
    assert kinds.count("order.updated") == 2
    traces = {event.traceparent[3:35] for event in await works.world.events(works.channel, "delivery.ready")}
    assert traces == {order.trace_id}
    assert await works.balanced()


async def test_sealed_at_rest(works: Works) -> None:
    """DLV-010: what was made is nowhere in the clear, and not in events."""
    await works.order()
    await works.work()
    (code,) = works.supplier.made.values()
    (made,) = await works.world.rows(Delivery)
    assert made.sealed is not None
    assert code.encode() not in made.sealed
    for kind in (Supply, Order, Event, Delivery):
        assert code not in repr(await works.world.rows(kind))


async def test_stock_products_have_no_supplies(works: Works) -> None:
    """Nothing is written for what comes from stock."""
    offer = await works.world.offer(codes=["A-1"])
    order = await works.world.order(works.channel, line(offer))
    assert order.status == "fulfilled"
    assert await works.units() == []


async def test_nothing_can_be_made(works: Works) -> None:
    """ORD-052: the order fails with all its money back; nothing is sold in the books."""
    works.supplier.manner = "refuse"
    order = await works.order(2)
    await works.work()
    now = await works.world.order_now(order)
    assert now.status == "fulfilment_failed"
    (refund,) = now.refunds
    assert (refund["reason"], refund["amount"]["amount"]) == ("fulfilment_failed", 2000)
    assert refund["instruction"]["action"] == "return_payment"
    assert [one.last_error for one in await works.units()] == ["sold out"] * 2
    assert await works.goods() == []
    await refused("transition_not_allowed", works.world.refund(works.channel, order))
    assert await works.balanced()


async def test_a_part_is_made(works: Works) -> None:
    """ORD-053: what is made is delivered, what comes from stock too, and the rest is refunded."""
    codes = await works.world.offer(codes=["A-1", "A-2"])
    works.supplier.script = ["refuse"]
    order = await works.order(3, line(codes, 1))
    assert (await works.goods()) == ["A-1"]
    await works.work()
    now = await works.world.order_now(order)
    assert now.status == "partially_refunded"
    assert [(one["lines"][0]["quantity"], one["amount"]["amount"]) for one in now.refunds] == [(1, 1000)]
    assert len(await works.goods()) == 3
    assert await works.balanced()
    rest = await works.world.refund(works.channel, order)
    assert (rest.status, await works.goods()) == ("refunded", [])
    assert await works.balanced()


async def test_killed_before_the_call(works: Works) -> None:
    """A process dies between `asked` and the call: another asks what became of it, then for it."""
    order = await works.order()
    await works.ask((await works.units())[0])
    await works.later()
    assert [one.split()[0] for one in works.supplier.calls] == ["status", "make"]
    assert (await works.world.order_now(order)).status == "fulfilled"


async def test_killed_after_the_call(works: Works) -> None:
    """A process dies between the call and the noting: the good that was made is found, and not made again."""
    order = await works.order()
    request = await works.ask((await works.units())[0])
    http = works.another()._suppliers["sandbox.makes"]
    await http.make(request)
    await works.later()
    assert works.supplier.makings == 1
    assert works.supplier.calls[-1].startswith("status")
    assert (await works.world.order_now(order)).status == "fulfilled"
    assert await works.balanced()


async def test_two_workers(works: Works) -> None:
    """Replicas that look at once share the units; none is asked for twice."""
    await works.order(20)
    makers = [works.another(per_supplier=16) for _ in range(3)]
    for _ in range(3):
        await asyncio.gather(*(works.work(maker) for maker in makers))
    assert await works.states() == ["made"] * 20
    assert len(works.supplier.calls) == works.supplier.makings == 20
    assert await works.balanced()


async def test_a_lease_that_has_run_out(works: Works) -> None:
    """Who was thought dead comes back with the good after another has asked: one delivery, whoever notes it first."""
    works.supplier.script = ["slow after making"]
    await works.order()
    slow = works.another(timeout=10)
    await slow.run_once(works.world.now)
    await asyncio.sleep(0.3)
    await works.later(100)
    assert await works.states() == ["made"]
    await slow.drain()
    assert (works.supplier.makings, len(await works.goods())) == (1, 1)
    assert await works.balanced()


async def test_only_one_may_ask(works: Works) -> None:
    """`ask` is for the one who knows how often it was asked for; what an earlier one found out is no news."""
    await works.order()
    (unit,) = await works.units()
    call = works.world.call()
    await works.ask(unit)
    assert await works.world.run(lambda books: supplies.ask(books, call, unit.id, 0)) is None
    assert not await works.world.run(lambda books: supplies.give_up(books, call, unit.id, 0, "late"))
    assert not await works.world.run(
        lambda books: supplies.note_later(books, call, unit.id, 0, "late", call.now)
    )


async def test_the_database_goes_away(works: Works) -> None:
    """What cannot be noted is left to the lease, and found again: one good, one delivery."""
    await works.order()
    store, real = works.world.store, works.world.store.run
    runs = 0

    async def run(operation: Any) -> Any:
        nonlocal runs
        runs += 1
        if runs == 2:
            raise ProtocolError("unavailable", "The books cannot be written now.")
        return await real(operation)

    store.run = run  # type: ignore[method-assign]
    await works.work()
    assert await works.states() == ["asked"]
    await works.later()
    assert await works.states() == ["made"]
    assert works.supplier.makings == 1
