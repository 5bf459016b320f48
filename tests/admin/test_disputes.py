"""The merchant decides on disputes."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from gateway.core import aftersale, orders
from gateway.core.model import Order
from gateway.storage.engine import open_engine
from tests.admin.conftest import Merchant
from tests.storage.world import Shop, call_of, open_shop


async def disputed(shop: Shop) -> Order:
    """A sold code whose payment is contested."""
    channel, offer = await shop.channel(), await shop.offer(codes=["A"])
    body = {
        "reference": "web-1",
        "buyer": {"reference": "b1"},
        "lines": [{"offer_id": offer.id, "quantity": 1, "unit_price": {"amount": 1000, "currency": "EUR"}}],
        "payment": {"status": "collected"},
    }
    call, wish = call_of(channel.id), orders.CreateOrder.from_wire(body)
    order = await shop.store.run(lambda books: orders.create_order(books, shop.store.vault, call, wish))
    report = {"reason": "chargeback"}
    await shop.store.run(lambda books: aftersale.create_dispute(books, call, order.id, report))
    return order


async def _make(merchant: Merchant) -> Order:
    async with open_shop(merchant.database, merchant.ring) as shop:
        return await disputed(shop)


@pytest.mark.parametrize(("word", "status"), [("--refund", "refunded"), ("--dismiss", "fulfilled")])
def test_a_dispute_is_listed_and_resolved(merchant: Merchant, word: str, status: str) -> None:
    """One way or the other, once; the books balance, and a lost one carries the refund for the channel."""
    order = asyncio.run(_make(merchant))
    (row,) = merchant.json("dispute", "list")
    assert (row["order"], row["reference"], row["reason"], row["amount"]) == (
        order.id,
        "web-1",
        "chargeback",
        1000,
    )
    assert "say --refund or --dismiss" in merchant.run("dispute", "resolve", order.id, code=2).stderr
    done = merchant.json("dispute", "resolve", order.id, word)
    assert (done["order"], done["status"]) == (order.id, status)
    assert ("refund" in done) == (word == "--refund")
    assert merchant.json("dispute", "list") == []
    again = merchant.run("dispute", "resolve", order.id, word, code=1)
    assert "transition_not_allowed" in again.stderr
    assert merchant.json("audit")["balanced"] is True
    assert "not_found" in merchant.run("dispute", "resolve", "ord_none", word, code=1).stderr


def test_it_is_told_to_a_person_too(merchant: Merchant) -> None:
    """In a sentence that says what happens next."""
    order = asyncio.run(_make(merchant))
    assert "web-1" in merchant.run("dispute", "list").stdout
    assert "return 1000 EUR" in merchant.run("dispute", "resolve", order.id, "--refund").stdout


def test_what_is_taken_back_must_stay_so(merchant: Merchant) -> None:
    """The audit names a unit that is for sale again though its delivery was voided."""
    order = asyncio.run(_make(merchant))
    merchant.run("dispute", "resolve", order.id, "--refund")

    async def revive() -> None:
        engine = open_engine(merchant.database)
        async with engine.transaction() as transaction:
            await transaction.run(text("UPDATE units SET state = 'available'"))
            await transaction.commit()
        await engine.close()

    asyncio.run(revive())
    found = merchant.json("audit", code=1)["discrepancies"]
    assert "units taken back and not voided" in [one["what"] for one in found]
