"""The Books port in memory: overlays, restarts and all, without a database."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from gateway.core.model import Channel, Delivery, Offer, Reservation, Row, Unit
from gateway.core.model_consent import Consent
from gateway.core.model_identity import Account, Link
from gateway.core.model_supplies import Supply

R = TypeVar("R", bound=Row)
T = TypeVar("T")
Key = tuple[str, ...]
MAX_ROUNDS = 200


class NotLoaded(Exception):
    """Something was read that this flight has not loaded yet."""


def key_of(row: Row) -> Key:
    """The primary key of a row."""
    return tuple(getattr(row, name) for name in row.KEY)


class Memory:
    """Committed rows by kind and key; runs one operation at a time, each as a flight of its own."""

    def __init__(self) -> None:
        self.tables: dict[type[Row], dict[Key, Row]] = {}
        self.rounds = 0

    def rows(self, kind: type[R]) -> list[R]:
        """All committed rows of a kind, in key order."""
        table = self.tables.get(kind, {})
        return [table[key] for key in sorted(table)]

    async def run(self, operation: Callable[[FakeBooks], T]) -> T:
        """Run until nothing is missing; commit, or drop everything on an error."""
        loaded: set[object] = set()
        for _ in range(MAX_ROUNDS):
            books = FakeBooks(self, loaded)
            self.rounds += 1
            try:
                result = operation(books)
            except NotLoaded:
                loaded |= books.wanted
                continue
            for kind, table in books.written.items():
                self.tables.setdefault(kind, {}).update(table)
            return result
        raise AssertionError("the operation never ends")


class FakeBooks:
    """One attempt of one operation. Whatever it reads first raises NotLoaded, as with a real database."""

    def __init__(self, memory: Memory, loaded: set[object]) -> None:
        self._memory = memory
        self._loaded = loaded
        self._given: set[str] = set()
        self.wanted: set[object] = set()
        self.written: dict[type[Row], dict[Key, Row]] = {}

    def _need(self, thing: object) -> None:
        self.wanted.add(thing)
        if thing not in self._loaded:
            raise NotLoaded(thing)

    def _all(self, kind: type[R]) -> list[R]:
        table = {**self._memory.tables.get(kind, {}), **self.written.get(kind, {})}
        return [table[key] for key in sorted(table)]

    def get(self, kind: type[R], *key: str) -> R | None:
        """As the port says."""
        written = self.written.get(kind, {})
        if key in written:
            return written[key]
        self._need((kind, key))
        return self._memory.tables.get(kind, {}).get(key)

    def need(self, kind: type[Row], *keys: Key) -> None:
        """As the port says."""
        self.wanted |= {(kind, key) for key in keys}

    def peek(self, kind: type[R], *key: str) -> R | None:
        """As the port says."""
        self.need(kind, key)
        return self.get(kind, *key) if (kind, key) in self._loaded else None

    def need_units(self, stock_id: str, quantity: int) -> None:
        """As the port says."""
        self.wanted.add(("units", stock_id, quantity))

    def take_units(self, stock_id: str, quantity: int) -> list[Unit]:
        """As the port says."""
        self._need(("units", stock_id, quantity))
        free = [unit for unit in self._all(Unit) if unit.stock_id == stock_id and unit.state == "available"]
        free = sorted((unit for unit in free if unit.id not in self._given), key=lambda unit: unit.seq)
        self._given |= {unit.id for unit in free[:quantity]}
        return free[:quantity]

    def due_reservations(self, stock_id: str, now: datetime, limit: int) -> list[Reservation]:
        """As the port says."""
        self._need(("due", stock_id))
        due = [
            hold
            for hold in self._all(Reservation)
            if hold.stock_id == stock_id and hold.status == "active" and hold.expires_at <= now
        ]
        return sorted(due, key=lambda hold: (hold.expires_at, hold.id))[:limit]

    def order_deliveries(self, order_id: str) -> list[str]:
        """As the port says."""
        self._need(("deliveries", order_id))
        return [delivery.id for delivery in self._all(Delivery) if delivery.order_id == order_id]

    def order_supplies(self, order_id: str) -> list[str]:
        """As the port says."""
        self._need(("supplies", order_id))
        return [one.id for one in self._all(Supply) if one.order_id == order_id]

    def offers_of_stock(self, stock_id: str) -> list[Offer]:
        """As the port says."""
        self._need(("offers", stock_id))
        return [offer for offer in self._all(Offer) if offer.stock_id == stock_id]

    def find_codes(self, code_hashes: Sequence[bytes]) -> dict[bytes, Unit]:
        """As the port says."""
        self._need(("codes", tuple(code_hashes)))
        wanted = set(code_hashes)
        return {unit.code_hash: unit for unit in self._all(Unit) if unit.code_hash in wanted}

    def channels(self) -> list[Channel]:
        """As the port says."""
        self._need("channels")
        return [channel for channel in self._all(Channel) if channel.active]

    def accounts_of(self, buyer_id: str) -> list[Account]:
        """As the port says."""
        self._need(("accounts", buyer_id))
        return [one for one in self._all(Account) if one.buyer_id == buyer_id]

    def consents_of(self, account_ids: Sequence[str]) -> list[Consent]:
        """As the port says."""
        self._need(("consents", *account_ids))
        return [one for one in self._all(Consent) if one.account_id in account_ids]

    def links_of(self, account_ids: Sequence[str]) -> list[Link]:
        """As the port says."""
        self._need(("links", tuple(account_ids)))
        return [one for one in self._all(Link) if one.account_id in account_ids]

    def put(self, row: Row) -> None:
        """As the port says."""
        self.written.setdefault(type(row), {})[key_of(row)] = row

    def new_id(self, prefix: str) -> str:
        """Sorts by making."""
        Ids.last += 1
        return f"{prefix}_{Ids.last:013d}{secrets.token_hex(6)}"


class Ids:
    """The number of the id made last."""

    last = 0
