"""What was delivered goes out order by order, each page from where the last one ended."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete

from gateway.core.export import PAGE
from gateway.core.model import Delivery, Order
from gateway.core.model_identity import Account
from gateway.core.model_ownership import Entitlement
from gateway.storage.consent import DELIVERIES_OF
from gateway.storage.engine.base import Changes
from gateway.storage.engine.postgresql import PostgresqlEngine
from gateway.storage.engine.sqlite import SqliteEngine
from gateway.storage.tables import deliveries
from tests.storage.keeping import account_of, asking, bought
from tests.storage.world import Shop

MANY = 3000


async def many_delivered(shop: Shop, count: int, each: int) -> Account:
    """A buyer with so many orders of so many deliveries; ids of deliveries go another way than those of orders."""
    channel = await shop.channel()
    account = await account_of(shop, channel)
    order = await bought(shop, channel, await asking(shop), "first")
    (made,), (owned,) = await shop.rows(Delivery), await shop.rows(Entitlement)
    orders = [replace(order, id=f"ord_{n:026d}", reference=f"many-{n}") for n in range(count)]
    rows = [(one, count * k + count - n) for n, one in enumerate(orders) for k in range(each)]
    entitlements = [replace(owned, id=f"ent_{number:026d}") for _, number in rows]
    delivered = [
        replace(
            made, id=f"dlv_{number:026d}", order_id=one.id, unit_id=None, entitlement_id=f"ent_{number:026d}"
        )
        for one, number in rows
    ]
    async with shop.store.engine.transaction() as transaction:
        for kind, all_of_them in ((Order, orders), (Entitlement, entitlements), (Delivery, delivered)):
            for start in range(0, len(all_of_them), 500):
                await transaction.write([Changes(kind, inserts=all_of_them[start : start + 500])])
        await transaction.commit()
    return account


async def test_every_delivery_is_exported_once(shop: Shop) -> None:
    """Also where a page ends within an order, and whatever order the ids of the deliveries have."""
    account = await many_delivered(shop, 7, 3)
    seen = await all_of(shop, account, 4)
    assert sorted(seen) == sorted(one.id for one in await shop.rows(Delivery))
    assert len(seen) == len(set(seen)) == 22


async def test_orders_without_deliveries_end_no_export(shop: Shop) -> None:
    """A page of orders for which nothing was delivered is passed over, of whatever length a page is."""
    account = await many_delivered(shop, 9, 1)
    some = sorted(one.id for one in await shop.rows(Order))
    async with shop.store.engine.transaction() as transaction:
        for order_id in some[:4] + some[5:8]:
            await transaction.run(delete(deliveries).where(deliveries.c.order_id == order_id))
        await transaction.commit()
    for length in (1, 2, 100):
        assert len(await all_of(shop, account, length)) == 3


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_sqlite_reads_no_more_than_a_page(shop: Shop) -> None:
    """A page in the middle of many takes a fraction of the work for ten pages."""
    account, engine = await many_delivered(shop, MANY, 1), shop.store.engine
    assert isinstance(engine, SqliteEngine)
    work = []
    for length in (PAGE, 10 * PAGE):
        sql, values = engine.prepared.bind(DELIVERIES_OF, asked(account, length), lambda value: value)
        with sqlite3.connect(engine.path) as link:
            work.append(0)
            link.set_progress_handler(lambda: work.append(work.pop() + 1), 100)  # each hundred instructions
            assert len(link.execute(sql, values).fetchall()) == length
    assert work[0] <= work[1] / 5, work


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("analysed", [False, True])
async def test_postgresql_reads_no_more_than_a_page(shop: Shop, analysed: bool) -> None:
    """The same, with statistics of the tables and without: a page in the middle reads as much as it has."""
    account, engine = await many_delivered(shop, MANY, 1), shop.store.engine
    assert isinstance(engine, PostgresqlEngine)
    if analysed:
        async with engine.transaction() as transaction:
            await transaction._link.execute("ANALYZE orders, deliveries, entitlements")
    sql, values = engine.prepared.bind(DELIVERIES_OF, asked(account, PAGE), lambda value: value)
    (told,) = await engine._fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values, 60)
    found = nodes(json.loads(told[0])[0]["Plan"])
    read = {
        one["Relation Name"]: one["Actual Rows"] * one["Actual Loops"]
        for one in found
        if "Relation Name" in one
    }
    # deliveries of a table as small as this may be read in one sweep, which costs less than a page of searches
    assert max(read["orders"], read["entitlements"]) <= 2 * PAGE, read


async def all_of(shop: Shop, account: Account, length: int) -> list[str]:
    """Ids of her deliveries, read in pages of this length."""
    seen: list[str] = []
    while page := await shop.store.queries.deliveries_of(account, seen[-1] if seen else "", length):
        seen += [one.id for one in page]
    return seen


def asked(account: Account, length: int) -> dict[str, Any]:
    """What a page in the middle of many is asked for with."""
    return {
        "channel_id": account.channel_id,
        "subject": account.subject,
        "account_id": account.id,
        "after": f"dlv_{MANY // 2:026d}",
        "first": f"ord_{MANY // 2:026d}",
        "orders": length + 1,
        "limit": length,
    }


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All steps of a plan."""
    yield plan
    for one in plan.get("Plans", ()):
        yield from nodes(one)
