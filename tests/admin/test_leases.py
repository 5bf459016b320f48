"""The merchant lets an offer be leased, sees what is leased, and recalls it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from sqlalchemy import text

from gateway.core import allotments
from gateway.core.model import Offer
from gateway.core.model_allotments import Allotment
from gateway.storage.engine import open_engine
from tests.admin.conftest import Merchant
from tests.admin.test_stock import vgcp
from tests.storage.world import call_of, open_shop


def stock_json(merchant: Merchant, *words: str) -> Any:
    """`vgcp stock … --json`."""
    return json.loads(vgcp(merchant, *words, "--json").stdout)


async def _offer(merchant: Merchant) -> Offer:
    async with open_shop(merchant.database, merchant.ring) as shop:
        return await shop.offer(codes=["A", "B", "C"])


async def _lease(merchant: Merchant, offer: Offer) -> Allotment:
    async with open_shop(merchant.database, merchant.ring) as shop:
        channel = await shop.channel()
        call, wish = call_of(channel.id), allotments.CreateAllotment(offer.id, 2, "fair")
        return await shop.store.run(lambda books: allotments.create_allotment(books, call, wish))


def test_leases_are_listed_and_recalled(merchant: Merchant) -> None:
    """From the consistency class to the last unit back, and the books balance all the time."""
    offer = asyncio.run(_offer(merchant))
    changed = stock_json(merchant, "set", offer.id, "--consistency", "allotment")
    assert changed["consistency"] == "allotment"
    lease = asyncio.run(_lease(merchant, offer))
    (row,) = stock_json(merchant, "leases")
    assert (row["allotment"], row["channel"], row["remaining"]) == (lease.id, lease.channel_id, 2)
    assert merchant.json("audit")["units_allotted"] == 2
    (shown,) = stock_json(merchant, "list")
    assert (shown["available"], shown["allotted"], shown["consistency"]) == (1, 2, "allotment")
    assert "2 remain" in vgcp(merchant, "recall", lease.id, "--grace", "600").stdout
    assert stock_json(merchant, "recall", lease.id, "--grace", "0")["status"] == "ended"
    assert stock_json(merchant, "leases") == []
    assert "nothing remains" in vgcp(merchant, "recall", lease.id).stdout
    assert "not_found" in vgcp(merchant, "recall", "alt_none", code=1).stderr
    assert merchant.json("audit")["balanced"] is True


def test_the_audit_finds_what_is_leased_and_not_there(merchant: Merchant) -> None:
    """A lease that says more than its stock, and sales that no order stands for."""
    offer = asyncio.run(_offer(merchant))
    stock_json(merchant, "set", offer.id, "--consistency", "allotment")
    lease = asyncio.run(_lease(merchant, offer))

    async def spoil(change: str) -> None:
        engine = open_engine(merchant.database)
        async with engine.transaction() as transaction:
            await transaction.run(text(f"UPDATE allotments SET {change}"))
            await transaction.commit()
        await engine.close()

    asyncio.run(spoil("quantity = 3, remaining = 3"))
    assert _found(merchant) == {(lease.stock_id, "allotted, by its leases", 3, 2)}
    asyncio.run(spoil("quantity = 3, remaining = 2, sold = 1"))
    assert _found(merchant) == {(lease.id, "sold, by its orders", 0, 1)}


def _found(merchant: Merchant) -> set[tuple[str, str, int, int]]:
    wrong = merchant.json("audit", code=1)["discrepancies"]
    return {(one["subject"], one["what"], one["expected"], one["found"]) for one in wrong}


def test_the_catalogue_says_what_may_be_leased(merchant: Merchant) -> None:
    """A column of its own; left out, it stays as it is, and another word is refused by its line."""
    head = "id,name,category,delivery_kind,price,currency,quantity"
    row = "GAME-1,Starfall,licence,licence,1499,EUR,10"
    merchant.run("import", merchant.file("a.csv", f"{head},consistency\n{row},allotment\n"))
    assert stock_json(merchant, "list")[0]["consistency"] == "allotment"
    merchant.run("import", merchant.file("b.csv", f"{head}\n{row}\n"))
    assert stock_json(merchant, "list")[0]["consistency"] == "allotment"
    said = merchant.run("import", merchant.file("c.csv", f"{head},consistency\n{row},lax\n"), code=1).stderr
    assert "c.csv line 2: consistency is one of strict, allotment" in said
    merchant.run("import", merchant.file("d.csv", f"{head},consistency\n{row},strict\n"))
    assert stock_json(merchant, "list")[0]["consistency"] == "strict"
