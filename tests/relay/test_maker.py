"""Goods made on demand over real HTTP: each made once, delivered or refunded, whatever is lost on the way."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from conformance import jwe
from gateway.core import supplies
from gateway.core.errors import ProtocolError
from gateway.core.model import Delivery, Event, Offer, Order
from gateway.core.model_supplies import Supply
from gateway.core.suppliers import Answer, SupplyRequest, Unknown
from gateway.core.supplies import GIVE_UP_AFTER
from gateway.relay.backoff import Breaker
from gateway.storage.audit import audit
from gateway.storage.engine import open_engine
from gateway.storage.supplies import Supplies
from tests.core.stores import DatabaseStore
from tests.core.world import line, refused
from tests.relay.conftest import House
from tests.relay.supplying import FORM, Works, open_works

LATE = GIVE_UP_AFTER.total_seconds() + 1


@pytest.fixture
async def works(house: House) -> AsyncIterator[Works]:
    """On SQLite and on PostgreSQL."""
    async with open_works(house) as opened:
        yield opened


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


async def test_the_wire(works: Works) -> None:
    """What goes to the supplier is the contract of docs/merchants.md, and no more."""
    order = await works.order()
    await works.work()
    (body,) = works.supplier.bodies
    assert set(body) == {"id", "kind", "product_id", "unit", "valid_until"}
    assert body["product_id"] == order.lines[0]["product_id"]
    assert json.dumps(body).count(order.id) == 0


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
