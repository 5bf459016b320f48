"""Erasing a buyer with many orders: all of it, in few transactions, and without getting in anybody's way."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from gateway.core import erasure, retention
from gateway.core.model import Event, Order
from gateway.core.model_consent import Erasure
from gateway.relay.eraser import Eraser
from gateway.storage.engine.base import Changes
from gateway.storage.personal_events import TOGETHER
from tests.storage.keeping import SUBJECT, TYPED, account_of, asking, bought
from tests.storage.world import Shop, call_of

MANY = TOGETHER + 30


async def many_bought(shop: Shop, count: int) -> Erasure:
    """A buyer with so many orders, cut off."""
    channel = await shop.channel()
    account = await account_of(shop, channel)
    offer = await shop.offer(
        quantity=count,
        buyer_input={"type": "object", "properties": {"name": {"type": "string"}}},
        restrictions={"purchase_limit": {"quantity": count}},
    )
    await asyncio.gather(*(bought(shop, channel, offer, f"r{number}") for number in range(count)))
    call = call_of(channel.id)
    found = await shop.store.run(
        lambda books: erasure.erase_buyer(books, shop.store.vault, call, account.id, "this_channel")
    )
    return found[0]


async def test_many_orders_take_few_transactions(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """CNS-023: her orders and what was told of them are forgotten by the hundred, and nothing names her any more."""
    made = await many_bought(shop, MANY)
    begun, real = [0], shop.store.engine.transaction

    def counted() -> AbstractAsyncContextManager[Any]:
        begun[0] += 1
        return real()

    monkeypatch.setattr(shop.store.engine, "transaction", counted)
    await Eraser(shop.store.erasing, shop.store).finish(made, call_of().now)
    assert begun[0] <= 12
    orders, told = await shop.rows(Order), await shop.rows(Event)
    assert {one.buyer_reference for one in orders} == {made.pseudonym}
    assert (len(orders), SUBJECT in str([*orders, *told]), TYPED in str([*orders, *told])) == (
        MANY,
        False,
        False,
    )
    assert await shop.store.audit() == []


async def test_what_died_in_the_middle_begins_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies between a batch's events and its orders has forgotten none of them; the job does the rest."""
    made = await many_bought(shop, 30)
    monkeypatch.setattr("gateway.relay.eraser.BATCH", 10)
    eraser, run, runs = Eraser(shop.store.erasing, shop.store), shop.store.run, [0]

    async def dies(operation: Any) -> Any:
        runs[0] += 1
        if runs[0] > 10:
            raise ConnectionError("the process is gone")
        return await run(operation)

    monkeypatch.setattr(shop.store, "run", dies)
    with pytest.raises(ConnectionError):
        await eraser.finish(made, call_of().now)
    monkeypatch.undo()
    assert [one.buyer_reference for one in await shop.rows(Order)].count(SUBJECT) == 20
    await eraser.run_once(call_of().now)
    assert SUBJECT not in str([*await shop.rows(Order), *await shop.rows(Event)])
    assert [one.done_at is None for one in await shop.rows(Erasure)] == [False]


async def test_one_event_that_cannot_be_forgotten_keeps_no_other(shop: Shop) -> None:
    """An old order of which something unreadable was told stays with its event; those beside it are forgotten."""
    channel, offer = await shop.channel(), await asking(shop)
    stuck = await bought(shop, channel, offer, "stuck", days_ago=40)
    await bought(shop, channel, offer, "old", days_ago=39)
    told = [one for one in await shop.rows(Event) if one.subject == stuck.id and one.type == "order.updated"]
    async with shop.store.engine.transaction() as transaction:
        broken = [replace(one, data={"order": None}) for one in told]
        await transaction.write([Changes(Event, upserts=broken)])
        await transaction.commit()
    eraser = Eraser(shop.store.erasing, shop.store, {**retention.DAYS, "fulfilment": 30})
    assert (await eraser.forget_old(call_of().now))["fulfilment"] == 1
    assert [one.reference for one in await shop.rows(Order) if one.buyer_reference == SUBJECT] == ["stuck"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # one writer leaves nothing to race
async def test_what_is_noted_of_an_event_meanwhile_stays(shop: Shop) -> None:
    """An event that is sent while she is taken out of it is not sent again."""
    made = await many_bought(shop, 1)
    (order,) = await shop.rows(Order)
    later = call_of().now + timedelta(days=1)
    async with shop.store.engine.transaction() as sender:
        await sender.run(text("UPDATE events SET state = 'delivered', attempts = 1"))
        scrubbing = asyncio.create_task(shop.store.erasing.scrub_events({order.id: made.pseudonym}, later))
        await asyncio.sleep(0.3)
        assert not scrubbing.done()
        await sender.commit()
    await scrubbing
    told = [one for one in await shop.rows(Event) if one.subject == order.id]
    assert {(one.state, one.attempts, SUBJECT in str(one.data)) for one in told} == {("delivered", 1, False)}
