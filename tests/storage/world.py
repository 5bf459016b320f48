"""A store with a channel and an offer to sell, for tests and measurements of the storage."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import select

from gateway.core import clients, sandbox
from gateway.core.model import Call, Channel, Offer, Row, Stock
from gateway.storage.keys import new_entry
from gateway.storage.store import Store
from gateway.storage.tables import TABLES
from gateway.storage.vault import AesVault

R = TypeVar("R", bound=Row)


def call_of(channel_id: str = "") -> Call:
    """A request now, in a trace of its own."""
    trace_id = secrets.token_hex(16)
    return Call(channel_id, datetime.now(UTC), f"00-{trace_id}-{secrets.token_hex(8)}-01", trace_id, "req_1")


@dataclass
class Shop:
    """A store, and short words for what tests do with it."""

    store: Store

    async def channel(self, **members: Any) -> Channel:
        """A registered channel."""
        wish = clients.NewClient(
            "Shop", **{"max_open_holds": 10**6, "max_open_holds_per_buyer": 10**6, **members}
        )
        made = await self.store.run(lambda b: clients.register_client(b, self.store.vault, call_of(), wish))
        return made.channel

    async def offer(self, **members: Any) -> Offer:
        """An offer with `codes` or a `quantity`."""
        body = {"product_name": "Nebula", "price": {"amount": 1000, "currency": "EUR"}, **members}
        wish = sandbox.TestOffer.from_wire({"delivery_kind": "code", **body})
        return await self.store.run(
            lambda books: sandbox.test_create_offer(books, self.store.vault, call_of(), wish)
        )

    async def stock(self, offer: Offer) -> Stock:
        """The offer's stock, as committed."""
        found = await self.store.queries.stock_of_offer(offer.id)
        assert found is not None
        return found

    async def rows(self, kind: type[R]) -> list[R]:
        """All committed rows of a kind."""
        return await self.store.engine.rows(kind, select(TABLES[kind]))


@asynccontextmanager
async def open_shop(database_url: str, ring: str | None = None) -> AsyncIterator[Shop]:
    """A shop on this database, closed at the end."""
    store = Store(database_url, AesVault(ring or new_entry()))
    try:
        yield Shop(store)
    finally:
        await store.close()
