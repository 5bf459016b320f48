"""Fills a database: a channel, products, codes, and as many old orders as wanted, with books that balance.

One of each is made by the gateway's own rules. Then its rows are copied inside the database, with other ids: a million
orders in minutes instead of hours. A copy's JSON and sealed bytes are those of its model; nobody opens them here.
"""

import asyncio
import hashlib
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson

from gateway.core import clients, sandbox, wire
from gateway.core import orders as rules
from gateway.core.idempotency import idempotent
from gateway.core.model import Call
from gateway.core.privacy import DataUse
from gateway.storage.migrate import upgrade
from gateway.storage.store import Store, open_store
from gateway.storage.tables import TABLES

PRICE = {"amount": 1000, "currency": "EUR"}
COLUMNS = {table.name: [column.name for column in table.columns] for table in TABLES.values()}
BASE = 10**13  # ids of copies have as many digits, whatever their number
PER_MINUTE = 10**9
LOADING = "SET synchronous_commit = off"  # of the session that seeds, and of no other


@dataclass(frozen=True)
class World:
    """What there is to buy. `hot` and `spread` are offers of codes, `held` is counted, `feed` is how many offers."""

    client_id: str
    client_secret: str
    hot: str
    held: str
    spread: list[str]
    feed: int


@dataclass(frozen=True)
class Size:
    """How much of everything: old orders, codes of the hot product, products, codes of each, further offers."""

    orders: int
    hot: int
    products: int = 0
    codes: int = 0
    offers: int = 0


def seed(database: str, ring: str, size: Size) -> World:
    """Make the schema and all of it. The gateway may be started afterwards."""
    upgrade(database)
    ids = asyncio.run(_models(database, ring))
    copy = Copy(size, ids)
    copy.run(database)
    spread = [f"off_0{BASE + number}" for number in range(1, size.products + 1)]
    feed = 3 + size.products + size.offers
    return World(ids["client_id"], ids["client_secret"], ids["hot"], ids["held"], spread, feed)


async def _models(database: str, ring: str) -> dict[str, str]:
    """By the rules: a channel, three products, and one order."""
    store = open_store(database, ring)
    try:
        client = clients.NewClient(
            name="bench",
            max_open_holds=PER_MINUTE,
            max_open_holds_per_buyer=PER_MINUTE,
            rate_limit_per_minute=PER_MINUTE,
        )
        vault, call = store.vault, _call("")
        made = await store.run(lambda books: clients.register_client(books, vault, call, client))
        ids = {"client_id": made.channel.id, "client_secret": made.client_secret}
        for name, quantity in (("hot", None), ("spread", None), ("held", 10**8)):
            ids[name], ids[f"{name}_stock"] = await _product(store, name, quantity)
        ids["order"] = await _order(store, ids["client_id"], ids["hot"])
        return ids
    finally:
        await store.close()


async def _product(store: Store, name: str, quantity: int | None) -> tuple[str, str]:
    codes = [secrets.token_hex(8) for _ in range(10)] if quantity is None else None
    body = {"product_name": f"Bench {name}", "price": PRICE, "delivery_kind": "code" if codes else "licence"}
    body |= {"codes": codes} if codes else {"quantity": quantity}
    wanted, call = sandbox.TestOffer.from_wire(body), _call("")
    offer = await store.run(lambda books: sandbox.test_create_offer(books, store.vault, call, wanted))
    return offer.id, offer.stock_id


async def _order(store: Store, channel_id: str, offer_id: str) -> str:
    """As gateway/http/write.py runs it, with its idempotency record."""
    body = {
        "reference": secrets.token_hex(11),
        "buyer": {"reference": secrets.token_hex(11), "region": "DE"},
        "lines": [{"offer_id": offer_id, "quantity": 1, "unit_price": PRICE}],
        "payment": {"status": "collected"},
    }
    call, wanted = _call(channel_id), rules.CreateOrder.from_wire(body)
    mark = hashlib.sha256(orjson.dumps(body)).digest()

    def run(books: Any) -> tuple[int, bytes]:
        made = rules.create_order(books, store.vault, call, wanted)
        return 201, orjson.dumps(wire.render_order(made, DataUse(made.channel_id)))

    answer = await store.run(
        lambda books: idempotent(books, store.vault, call, "create_order", mark, lambda: run(books))
    )
    return str(orjson.loads(answer.body)["id"])


def _call(channel_id: str) -> Call:
    trace_id = secrets.token_hex(16)
    span = secrets.token_hex(8)
    request_id = f"req_{secrets.token_hex(12)}"
    return Call(
        channel_id, datetime.now(UTC), f"00-{trace_id}-{span}-01", trace_id, request_id, secrets.token_hex(16)
    )


# The next row of a feed comes after those that were put in here.
NUMBERED = (
    "UPDATE feeds SET position = (SELECT max(position) FROM"
    " (SELECT position FROM offers UNION ALL SELECT position FROM events) AS numbered)"
)


class Copy:
    """The statements that make many of one, in an order in which each finds its model as the rules have left it."""

    def __init__(self, size: Size, ids: dict[str, str]) -> None:
        self._size = size
        self._ids = ids
        self._hash: Callable[[str], str]

    def run(self, database: str) -> None:
        """Copy, then let the database tidy up, so that nothing of it is left for the time that is measured."""
        if database.startswith("sqlite"):
            self._hash = lambda seed: "randomblob(32)"
            link = sqlite3.connect(database.removeprefix("sqlite:///"))
            link.executescript(
                "BEGIN;" + ";".join(self._statements()) + ";COMMIT;PRAGMA wal_checkpoint(TRUNCATE)"
            )
            link.close()
        else:
            self._hash = lambda seed: f"sha256(convert_to('{seed}' || n, 'UTF8'))"
            asyncio.run(self._on_postgresql(database))

    async def _on_postgresql(self, database: str) -> None:
        link = await asyncpg.connect(database)
        try:
            await link.execute(LOADING)
            for statement in [*self._statements(), "VACUUM ANALYZE", "CHECKPOINT"]:
                await link.execute(statement)
        finally:
            await link.close()

    def _statements(self) -> list[str]:
        size = self._size
        return [
            *(self._orders(size.orders) if size.orders else []),
            *(self._codes(size.hot) if size.hot else []),
            *(self._products(size.products, size.codes) if size.products else []),
            *(self._offers(size.offers) if size.offers else []),
            NUMBERED,
        ]

    def _orders(self, count: int) -> list[str]:
        """Old orders of the hot product, each with all the rows that an order leaves."""
        order, held = self._ids["order"], self._ids["hot_stock"]
        new = f"'ord_0' || ({BASE} + n)"
        old, unit = "'old-' || n", f"'unt_0' || ({BASE} + n)"
        delivery, owned = (f"'{kind}_0' || ({BASE} + n)" for kind in ("dlv", "ent"))
        mine = f"order_id = '{order}'"
        return [
            _copy("order_references", mine, count, reference=old, order_id=new),
            _copy("orders", f"id = '{order}'", count, id=new, reference=old),
            _copy("units", mine, count, id=unit, seq="9 + n", code_hash=self._hash("sold"), order_id=new),
            _copy("deliveries", mine, count, id=delivery, order_id=new, unit_id=unit, entitlement_id=owned),
            _copy("entitlements", mine, count, id=owned, delivery_id=delivery, order_id=new),
            _copy("movements", mine, count, id=f"'mov_0' || ({BASE} + n)", order_id=new),
            _copy(
                "events",
                "type IN ('order.updated', 'delivery.ready')",
                count,
                id=f"'evt_0' || ({BASE} + 2 * n + position % 2)",
                position="position + 2 * n",
            ),
            _copy("idempotency", "operation = 'create_order'", count, key=old),
            _received(held, count, "old"),
            f"UPDATE stocks SET received = received + {count}, sold = sold + {count} WHERE id = '{held}'",
        ]

    def _codes(self, count: int) -> list[str]:
        """Codes of the hot product that wait to be sold."""
        held, first = self._ids["hot_stock"], self._size.orders + 9
        return [
            _copy(
                "units",
                f"stock_id = '{held}' AND seq = 9",
                count,
                id=f"'unt_1' || ({BASE} + n)",
                seq=f"{first} + n",
                code_hash=self._hash("hot"),
            ),
            _received(held, count, "hot"),
            f"UPDATE stocks SET received = received + {count}, available = available + {count} WHERE id = '{held}'",
        ]

    def _products(self, count: int, codes: int) -> list[str]:
        """Products with codes of their own."""
        offer, model = self._ids["spread"], self._ids["spread_stock"]
        of_unit = f"'stk_0' || ({BASE} + 1 + (n - 1) % {count})"
        total = count * codes
        return [
            _copy(
                "stocks",
                f"id = '{model}'",
                count,
                id=f"'stk_0' || ({BASE} + n)",
                received=str(codes),
                available=str(codes),
            ),
            _copy(
                "offers",
                f"id = '{offer}'",
                count,
                id=f"'off_0' || ({BASE} + n)",
                stock_id=f"'stk_0' || ({BASE} + n)",
                position="100 + n",
            ),
            _copy(
                "units",
                f"stock_id = '{model}' AND seq = 9",
                total,
                id=f"'unt_2' || ({BASE} + n)",
                stock_id=of_unit,
                seq=f"(n - 1) / {count}",
                code_hash=self._hash("spread"),
            ),
            _copy(
                "movements",
                f"stock_id = '{model}' AND kind = 'receive'",
                count,
                id=f"'mov_2' || ({BASE} + n)",
                stock_id=f"'stk_0' || ({BASE} + n)",
                quantity=str(codes),
            ),
        ]

    def _offers(self, count: int) -> list[str]:
        """More offers for the feed, all from one counted stock."""
        return [
            _copy(
                "offers",
                f"id = '{self._ids['held']}'",
                count,
                id=f"'off_1' || ({BASE} + n)",
                position="100000 + n",
            )
        ]


def _received(stock_id: str, count: int, name: str) -> str:
    model = f"stock_id = '{stock_id}' AND kind = 'receive' AND quantity = 10"
    return _copy("movements", model, 1, id=f"'mov_{name}'", quantity=str(count))


def _copy(table: str, model: str, count: int, **changes: str) -> str:
    """Insert `count` copies of the model's rows, numbered `n` from 1, with these columns changed."""
    columns = COLUMNS[table]
    values = ", ".join(changes.get(name, name) for name in columns)
    return (
        f"INSERT INTO {table} ({', '.join(columns)})"
        f" WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {count})"
        f" SELECT {values} FROM series CROSS JOIN (SELECT * FROM {table} WHERE {model}) AS model"
    )
