"""The `Books` of one operation: the flight's rows, with what the operation has written over them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar, cast

from gateway.core.model import Channel, Delivery, Offer, Reservation, Row, Unit
from gateway.core.model_consent import Consent
from gateway.core.model_identity import Account, Link
from gateway.core.model_supplies import Supply
from gateway.storage.engine.base import Key
from gateway.storage.flight import FOUND_BY, KEY_OF, Flight, NotLoaded
from gateway.storage.ids import Ids

R = TypeVar("R", bound=Row)


class FlightBooks:
    """One attempt of one operation. `keep` when it has succeeded, `drop` when not."""

    __slots__ = ("_flight", "_ids", "_taken", "_writes")

    def __init__(self, flight: Flight, ids: Ids) -> None:
        self._flight = flight
        self._ids = ids
        self._writes: dict[tuple[type[Row], Key], Row] = {}
        self._taken: dict[str, list[Unit]] = {}

    def keep(self) -> None:
        """Let the operations that follow see what this one has written."""
        self._flight.merge(self._writes)

    def drop(self) -> None:
        """Forget what has been written, and give the units back."""
        for stock_id, units in self._taken.items():
            self._flight.pools[stock_id].give_back(units)

    def get(self, kind: type[R], *key: str) -> R | None:
        """See the port. Ends the attempt when the row is not loaded."""
        written = self._writes.get((kind, key))
        if written is not None:
            return cast(R, written)
        if self._flight.look(kind, key):
            return cast("R | None", self._flight.rows[kind][key])
        self._flight.missing.lookups[(kind, kind.KEY)].add(key)
        raise NotLoaded

    def peek(self, kind: type[R], *key: str) -> R | None:
        """See the port."""
        if self._flight.look(kind, key):
            return cast("R | None", self._flight.rows[kind][key])
        self._flight.missing.lookups[(kind, kind.KEY)].add(key)
        return None

    def need(self, kind: type[Row], *keys: tuple[str, ...]) -> None:
        """See the port."""
        unknown = [key for key in keys if not self._flight.look(kind, key)]
        if unknown:
            self._flight.missing.lookups[(kind, kind.KEY)].update(unknown)

    def need_units(self, stock_id: str, quantity: int) -> None:
        """See the port."""
        self._flight.want_units(stock_id, quantity)

    def put(self, row: Row) -> None:
        """See the port."""
        kind = type(row)
        self._writes[(kind, KEY_OF[kind](row))] = row

    def new_id(self, prefix: str) -> str:
        """See the port."""
        return self._ids.new(prefix)

    def take_units(self, stock_id: str, quantity: int) -> list[Unit]:
        """See the port. Ends the attempt while there may be more than are loaded."""
        pool = self._flight.pools.get(stock_id)
        if pool is None or (len(pool.units) < quantity and not pool.dry):
            self._flight.want_units(stock_id, quantity)
            raise NotLoaded
        taken = pool.take(quantity)
        self._taken.setdefault(stock_id, []).extend(taken)
        return taken

    def due_reservations(self, stock_id: str, now: datetime, limit: int) -> list[Reservation]:
        """See the port."""
        known = self._flight.due.get(stock_id)
        if known is None or known[0] < now:
            self._flight.missing.want_due(stock_id, now, limit)
            raise NotLoaded
        _, loaded, keys = known
        holds = [hold for hold in (self.get(Reservation, *key) for key in keys) if hold is not None]
        due = [hold for hold in holds if hold.status == "active" and hold.expires_at <= now]
        if len(due) < limit and len(keys) == loaded:
            self._flight.missing.want_due(stock_id, known[0], loaded + limit)
            raise NotLoaded
        return due[:limit]

    def order_deliveries(self, order_id: str) -> list[str]:
        """See the port."""
        return [row.id for row in self._found(Delivery, [order_id])]

    def order_supplies(self, order_id: str) -> list[str]:
        """See the port."""
        return [row.id for row in self._found(Supply, [order_id])]

    def offers_of_stock(self, stock_id: str) -> list[Offer]:
        """See the port."""
        return self._found(Offer, [stock_id])

    def find_codes(self, code_hashes: Sequence[bytes]) -> dict[bytes, Unit]:
        """See the port."""
        return {unit.code_hash: unit for unit in self._found(Unit, code_hashes)}

    def channels(self) -> list[Channel]:
        """See the port."""
        return self._found(Channel, [True])

    def accounts_of(self, buyer_id: str) -> list[Account]:
        """See the port."""
        return self._found(Account, [buyer_id])

    def consents_of(self, account_ids: Sequence[str]) -> list[Consent]:
        """See the port."""
        return self._found(Consent, account_ids)

    def links_of(self, account_ids: Sequence[str]) -> list[Link]:
        """See the port."""
        return self._found(Link, account_ids)

    def _found(self, kind: type[R], values: Sequence[object]) -> list[R]:
        """Rows with one of these values in the column that the kind is also found by, in key order."""
        found, column = self._flight.found, FOUND_BY[kind]
        missing = [(value,) for value in values if (kind, value) not in found]
        if missing:
            self._flight.missing.lookups[(kind, (column,))].update(missing)
            raise NotLoaded
        wanted = set(values)
        keys = {key for value in wanted for key in found[(kind, value)]}
        keys.update(key for written, key in self._writes if written is kind)
        rows = [self.get(kind, *key) for key in sorted(keys)]
        return [row for row in rows if row is not None and getattr(row, column) in wanted]
