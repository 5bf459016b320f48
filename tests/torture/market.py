"""A channel and its offers at running gateways; and at the end, whether the books are what the channel was told."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from gateway.core.model import Delivery, Order, Stock
from gateway.storage.store import open_store
from gateway.storage.tables import TABLES
from tests.fixtures.forked import vgcp
from tests.fixtures.gateway import VAULT_KEYS, environment
from tests.torture.shop import Buyer, Shop, control

PRICE = {"amount": 1000, "currency": "EUR"}
HANDED_OVER = {"fulfilled", "closed", "disputed", "partially_refunded"}


@dataclass
class Market:
    """A shop, three offers (codes, counted, unlimited), and buyers."""

    database: str
    shop: Shop
    offers: list[dict[str, Any]]
    dice: random.Random
    urls: list[str] = field(default_factory=list)

    def buyers(self, count: int) -> list[Buyer]:
        """They all go where `urls` says, also when that changes."""
        return [
            Buyer(self.shop, self.urls, self.offers, random.Random(self.dice.random())) for _ in range(count)
        ]

    async def trade(self, buyers: int, until: float) -> int:
        """So many buyers at once until that instant (monotonic); how many visits they made."""

        async def one(buyer: Buyer) -> int:
            while time.monotonic() < until:
                await buyer.visit()
            return buyer.visits

        return sum(await asyncio.gather(*(one(buyer) for buyer in self.buyers(buyers))))

    async def restock(self, count: int) -> None:
        """More codes."""
        codes = [secrets.token_hex(8) for _ in range(count)]
        await control(self.urls[0], f"/offers/{self.offers[0]['id']}", {"add_codes": codes})


@asynccontextmanager
async def market(
    database: str, url: str, dice: random.Random, *, codes: int, counted: int, connections: int = 256
) -> AsyncIterator[Market]:
    """Open one, through test control of the gateway at `url`."""
    limits = {
        "rate_limit_per_minute": 1_000_000,
        "max_open_holds": 100_000,
        "max_open_holds_per_buyer": 100_000,
    }
    client = await control(url, "/clients", {"name": "torture", **limits})
    body = {"product_name": "Torture", "price": PRICE, "consistency": "allotment"}
    some = [secrets.token_hex(8) for _ in range(codes)]
    offers = [
        await control(url, "/offers", {**body, "delivery_kind": "code", "codes": some[:900]}),
        await control(url, "/offers", {**body, "delivery_kind": "licence", "quantity": counted}),
        await control(url, "/offers", {**body, "delivery_kind": "licence"}),
    ]
    for start in range(900, codes, 900):
        await control(url, f"/offers/{offers[0]['id']}", {"add_codes": some[start : start + 900]})
    async with Shop(client["client_id"], client["client_secret"], connections=connections) as shop:
        yield Market(database, shop, offers, dice, [url])


async def balanced(database: str) -> dict[str, int]:
    """What `vgcp gateway audit` looks at, without the command around it; the totals."""
    store = open_store(database, VAULT_KEYS)
    try:
        found = await store.audit()
        for _ in range(3):  # a gateway that trades moves things between two looks
            if not found:
                break
            again = {(one.subject, one.what) for one in found}
            found = [one for one in await store.audit() if (one.subject, one.what) in again]
        assert found == [], found
        return await store.totals()
    finally:
        await store.close()


def audit_command(database: str) -> dict[str, Any]:
    """`vgcp gateway audit --json`, which must end with 0."""
    words = ["gateway", "audit", "--json", "--database", database]
    with tempfile.TemporaryDirectory() as folder:
        code, said = vgcp(words, Path(folder), environment(), timeout=120)
    assert code == 0, said
    return dict(json.loads(said))


async def as_told(place: Market, may_expire: bool = False) -> dict[str, int]:
    """The books against the shop's ledger, when nothing is under way any more; some figures.

    Every order that the shop was told of is there, in the state it was told, and there is no other; each code was
    given out once; what was sold is what orders say; nothing was oversold. `may_expire`: an order that waited for its
    payment may have ended since.
    """
    ledger = place.shop.ledger
    assert ledger.open == {}
    assert ledger.bad == [], ledger.bad[:5]
    await balanced(place.database)
    store = open_store(place.database, VAULT_KEYS)
    try:
        rows = await store.engine.rows(Order, select(TABLES[Order]))
        deliveries = await store.engine.rows(Delivery, select(TABLES[Delivery]))
        stocks = await store.engine.rows(Stock, select(TABLES[Stock]))
    finally:
        await store.close()
    mine = {row.id: row for row in rows if row.channel_id == place.shop.client_id}
    lost = ledger.orders.keys() - mine.keys()
    assert not lost, f"orders that were confirmed and are gone: {lost}"
    assert mine.keys() == ledger.orders.keys(), "orders that nobody was told of"
    for key, told in ledger.orders.items():
        expired = may_expire and (told["status"], mine[key].status) == ("payment_required", "expired")
        assert expired or told["status"] == mine[key].status, (key, told["status"], mine[key].status)
    assert len({row.reference for row in mine.values()}) == len(mine)
    owed = Counter(
        {
            row.id: sum(one["quantity"] for one in row.lines)
            for row in mine.values()
            if row.status in HANDED_OVER
        }
    )
    assert Counter(row.order_id for row in deliveries) == owed
    units = [row.unit_id for row in deliveries if row.unit_id]
    assert len(units) == len(set(units)), "a code was given out twice"
    assert len(set(ledger.codes.values())) == len(ledger.codes), "two deliveries opened to the same goods"
    assert sum(row.sold for row in stocks) == sum(owed.values())
    assert all(min(row.available, row.reserved, row.allotted, row.sold) >= 0 for row in stocks)
    return {"orders": len(mine), "units": sum(owed.values()), "opened": len(ledger.codes)}
