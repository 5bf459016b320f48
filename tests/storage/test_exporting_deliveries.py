"""What was delivered goes out order by order, each page from where the last one ended."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, text, update

from gateway.core.export import PAGE
from gateway.core.model import Delivery, Order
from gateway.core.model_identity import Account
from gateway.core.model_ownership import Entitlement
from gateway.storage.consent import DELIVERIES_OF, OWNED_BY_OTHERS, SOME_ORDERS
from gateway.storage.engine.base import Changes
from gateway.storage.engine.postgresql import PostgresqlEngine
from gateway.storage.engine.sqlite import SqliteEngine
from gateway.storage.several import filled
from gateway.storage.tables import deliveries, entitlements
from tests.storage.keeping import account_of, asking, bought
from tests.storage.world import Shop

MANY = 3000


async def many_delivered(shop: Shop, count: int, each: int, analysed: bool = False) -> Account:
    """A buyer with so many orders of so many deliveries; ids of deliveries go another way than those of orders.
    `analysed`: the database has looked at its tables when there was one of all."""
    channel = await shop.channel()
    account = await account_of(shop, channel)
    order = await bought(shop, channel, await asking(shop), "first")
    (made,), (owned,) = await shop.rows(Delivery), await shop.rows(Entitlement)
    if analysed:
        await analyse(shop)
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


async def test_what_was_handed_on_is_passed_over(shop: Shop) -> None:
    """Pages of what is all another's by now end nothing, and show nothing of it."""
    account = await many_delivered(shop, 9, 2)
    rows = await shop.rows(Delivery)
    last = max(rows, key=lambda one: (one.order_id, one.id))
    async with shop.store.engine.transaction() as transaction:
        gone = entitlements.c.id != last.entitlement_id
        await transaction.run(update(entitlements).where(gone).values(account_id="somebody-else"))
        await transaction.commit()
    for length in (1, 2, 3, 100):
        assert await all_of(shop, account, length) == [last.id]


@pytest.mark.parametrize("known", ["nothing", "what was", "what is"])
async def test_a_page_reads_no_more_than_a_page(shop: Shop, known: str) -> None:
    """In the middle of many, whatever the database knows of its tables: of the orders so many as a page has. What is
    read by keys may be swept once where the table is taken for small, and never again and again."""
    account = await many_delivered(shop, MANY, 1, analysed=known == "what was")
    if known == "what is":
        await analyse(shop)
    read = Counter[str]()
    for statement, named in asked(account):
        read += await rows_read(shop, statement, named)
    most = {"orders": 2 * PAGE, "deliveries": MANY + 1, "entitlements": MANY + 1}
    assert {name: (read[name], limit) for name, limit in most.items() if not 0 < read[name] <= limit} == {}
    if known == "what is" or (known == "nothing" and isinstance(shop.store.engine, SqliteEngine)):
        assert max(read.values()) <= 2 * PAGE, read


async def rows_read(shop: Shop, statement: Any, named: dict[str, Any]) -> Counter[str]:
    """How many rows of each table a statement looks at. SQLite says no number: a scan counts as all."""
    engine = shop.store.engine
    if isinstance(engine, PostgresqlEngine):
        sql, values = engine.prepared.bind(statement, named, lambda value: value)
        (told,) = await engine._fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values, 60)
        found = [one for one in nodes(json.loads(told[0])[0]["Plan"]) if "Relation Name" in one]
        looked = {
            one["Relation Name"]: (one["Actual Rows"] + one.get("Rows Removed by Filter", 0))
            * one["Actual Loops"]
            for one in found
        }
        return Counter({name: int(count) for name, count in looked.items()})
    assert isinstance(engine, SqliteEngine)
    sql, values = engine.prepared.bind(statement, named, lambda value: value)
    with sqlite3.connect(engine.path) as link:
        plan = [row[-1] for row in link.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
        count = len(link.execute(sql, values).fetchall())
    (table,) = {step.split()[1] for step in plan if step.startswith(("SCAN", "SEARCH"))}
    scanned = any(step.startswith("SCAN") for step in plan)
    return Counter({table: MANY + 1 if scanned else max(count, 1)})


async def analyse(shop: Shop) -> None:
    """Let the database look at its tables now."""
    async with shop.store.engine.transaction() as transaction:
        for table in ("orders", "deliveries", "entitlements"):
            await transaction.run(text(f"ANALYZE {table}"), {})
        await transaction.commit()


async def all_of(shop: Shop, account: Account, length: int) -> list[str]:
    """Ids of her deliveries, read in pages of this length."""
    seen: list[str] = []
    while page := await shop.store.queries.deliveries_of(account, seen[-1] if seen else "", length):
        seen += [one.id for one in page]
    return seen


def asked(account: Account) -> list[tuple[Any, dict[str, Any]]]:
    """What is asked for a page in the middle of many."""
    middle = range(MANY // 2, MANY // 2 + PAGE)
    named = {
        "channel_id": account.channel_id,
        "subject": account.subject,
        "account_id": account.id,
        "after": f"dlv_{MANY // 2:026d}",
        "first": f"ord_{MANY // 2:026d}",
        "limit": PAGE,
        **filled("order", PAGE, [f"ord_{n:026d}" for n in middle]),
        **filled("entitlement", PAGE, [f"ent_{n:026d}" for n in middle]),
    }
    return [(one, named) for one in (SOME_ORDERS, DELIVERIES_OF, OWNED_BY_OTHERS)]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All steps of a plan."""
    yield plan
    for one in plan.get("Plans", ()):
        yield from nodes(one)
