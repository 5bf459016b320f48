"""Suppliers that lose answers, fail, are down or keep silent: each unit is made once, or the money goes back."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from gateway.core import supplies
from gateway.core.suppliers import Answer, SupplyRequest, Unknown
from gateway.core.supplies import GIVE_UP_AFTER
from gateway.relay.backoff import Breaker
from tests.core.world import line
from tests.relay.supplying import Works

LATE = GIVE_UP_AFTER.total_seconds() + 1


@pytest.mark.parametrize("trouble", ["error after making", "dead after making", "slow after making"])
async def test_an_answer_is_lost(works: Works, trouble: str) -> None:
    """The supplier made it and the answer never came: it is asked what became of it, and nothing is made twice."""
    works.supplier.script = [trouble]
    order = await works.order()
    await works.work()
    assert await works.states() == ["asked"]
    await works.later()
    assert (await works.world.order_now(order)).status == "fulfilled"
    assert [one.split()[0] for one in works.supplier.calls] == ["make", "status"]
    assert works.supplier.makings == 1
    assert await works.balanced()


@pytest.mark.parametrize("trouble", ["error", "dead", "nonsense", "endless"])
async def test_a_call_fails(works: Works, trouble: str) -> None:
    """Nothing was made: the supplier says so, and is asked again under the same id."""
    works.supplier.script = [trouble]
    order = await works.order()
    await works.work()
    (unit,) = await works.units()
    assert (unit.state, unit.attempts) == ("asked", 1)
    assert "SECRET" not in (unit.last_error or "none")
    await works.later()
    assert (await works.world.order_now(order)).status == "fulfilled"
    assert [one.split()[0] for one in works.supplier.calls] == ["make", "status", "make"]
    assert len({body["id"] for body in works.supplier.bodies}) == 1
    assert await works.goods() == list(works.supplier.made.values())


async def test_an_answer_in_pieces(works: Works) -> None:
    """However it comes, it is read to its end."""
    works.supplier.script = ["piecemeal"]
    await works.order()
    await works.work()
    assert await works.goods() == list(works.supplier.made.values())


async def test_an_adapter_that_says_too_much(works: Works, caplog: pytest.LogCaptureFixture) -> None:
    """What an adapter of somebody else's raises is neither logged nor kept, but for its name; it is tried again."""

    class Theirs:
        async def make(self, request: SupplyRequest) -> Answer:
            raise KeyError("account anna-4711")

        async def status(self, request: SupplyRequest) -> Answer:
            return Unknown()

    await works.order()
    maker = works.another()
    maker._suppliers = {"sandbox.makes": Theirs()}
    await works.work(maker)
    (unit,) = await works.units()
    assert (unit.state, unit.last_error) == ("asked", "The adapter failed: KeyError.")
    assert "anna-4711" not in caplog.text
    await works.later()
    assert await works.states() == ["made"]


async def test_never_reached(works: Works) -> None:
    """ORD-055: a unit that nobody has been asked for is given up in time, with its supplier away or not set up."""
    order = await works.order()
    works.maker._suppliers = {}
    await works.work()
    assert (await works.units())[0].state == "waiting"
    await works.later(LATE)
    assert (await works.units())[0].last_error == "The supplier could not be reached in time."
    assert (await works.world.order_now(order)).status == "fulfilment_failed"
    assert works.supplier.calls == []
    assert await works.balanced()


async def test_given_up_when_surely_not_made(works: Works) -> None:
    """A unit whose calls all failed is refunded once the supplier says that it never took it, and no call is valid."""
    works.supplier.manner = "error"
    order = await works.order()
    await works.work()
    await works.later(LATE - 30)  # a last call, shortly before the end
    assert (await works.units())[0].attempts == 2
    await works.later(31)
    assert (await works.world.order_now(order)).status == "fulfilling"
    await works.later(61)
    now = await works.world.order_now(order)
    assert now.status == "fulfilment_failed"
    assert (await works.units())[0].last_error == "The supplier answered HTTP 503."
    assert await works.balanced()


@pytest.mark.parametrize("manner", ["dead", "mute", "pending"])
async def test_nobody_knows(works: Works, manner: str) -> None:
    """ORD-054: what the supplier neither confirms nor denies is parked, and never refunded; the merchant decides."""
    works.supplier.script = ["dead after making"]
    works.supplier.status_manner = manner
    order = await works.order()
    await works.work()
    await works.later(LATE)
    assert await works.states() == ["parked"]
    assert [one.order_id for one in await works.box.parked(9)] == [order.id]
    now = await works.world.order_now(order)
    assert (now.status, now.refunds) == ("fulfilling", [])
    await works.later(LATE * 9)
    assert await works.states() == ["parked"]
    works.supplier.status_manner = ""
    call, (unit,) = works.world.call(), await works.units()
    await works.world.run(lambda books: supplies.retry_supply(books, call, unit.id))
    await works.work()
    assert (await works.world.order_now(order)).status == "fulfilled"
    assert works.supplier.makings == 1
    assert await works.balanced()


async def test_taken_and_made_later(works: Works) -> None:
    """A supplier that takes its time is looked after, and not asked to make it twice."""
    works.supplier.script, works.supplier.status_manner = ["pending"], "pending"
    order = await works.order()
    await works.work()
    await works.later()
    (unit,) = await works.units()
    works.supplier.status_manner, works.supplier.made[unit.id] = "", "MADE-AT-LAST"
    await works.later()
    assert (await works.world.order_now(order)).status == "fulfilled"
    assert [one.split()[0] for one in works.supplier.calls] == ["make", "status", "status"]


async def test_the_breaker(works: Works) -> None:
    """A dead supplier is left alone after a few failures, asked for one unit after its rest, and then for all."""
    breaker = Breaker(threshold=2, burst=timedelta(0), longest=60)
    maker = works.another(per_supplier=2, breaker=breaker)
    works.supplier.manner = "error"
    await works.order(6)
    await works.work(maker)
    assert len(works.supplier.calls) == 2
    assert await works.work(maker) == 0  # open: four units wait, and are not asked for
    assert (await works.states()).count("waiting") == 4
    works.supplier.manner = "make"
    works.world.advance(1.1)
    assert await works.work(maker) == 1  # half open
    assert await works.work(maker) == 2  # closed
    for _ in range(4):
        await works.later(5, maker)
    assert await works.states() == ["made"] * 6
    assert works.supplier.makings == 6


async def test_a_supplier_that_is_down_is_in_nobodys_way(works: Works) -> None:
    """While one is slow, a unit of another is made."""
    works.supplier.manner = "slow after making"
    await works.order(8)
    maker = works.another(timeout=10)
    quick = works.another()._suppliers["sandbox.makes"]
    maker._suppliers = {**maker._suppliers, "sandbox.refuses": quick}
    await maker.run_once(works.world.now)
    await asyncio.sleep(0.2)
    works.supplier.manner = "make"
    offer = await works.world.offer(on_demand={"supplier": "refuses"})
    order = await works.world.order(works.channel, line(offer))
    await maker.run_once(works.world.now)
    async with asyncio.timeout(2):
        while (await works.world.order_now(order)).status != "fulfilled":
            await asyncio.sleep(0.02)
    await maker.drain(0)


async def test_the_wire(works: Works) -> None:
    """What goes to the supplier is the contract of docs/merchants.md, and no more."""
    order = await works.order()
    await works.work()
    (body,) = works.supplier.bodies
    assert set(body) == {"id", "kind", "product_id", "unit", "valid_until"}
    assert body["product_id"] == order.lines[0]["product_id"]
    assert json.dumps(body).count(order.id) == 0
