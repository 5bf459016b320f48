"""The rows that one transaction knows: loaded, changed by its operations so far, and still to be loaded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from datetime import datetime

from gateway.core.model import Channel, Delivery, Event, Offer, Reservation, Row, Unit
from gateway.core.model_consent import Consent
from gateway.core.model_identity import Account, Link
from gateway.core.model_supplies import Supply
from gateway.storage.engine.base import (
    Changes,
    DueWanted,
    Key,
    Lookup,
    Transaction,
    UnitsWanted,
    Versions,
    Wanted,
)
from gateway.storage.engine.codec import fixed_getters, key_getters
from gateway.storage.pools import Hints, Pool
from gateway.storage.shelf import KEPT, Shelf
from gateway.storage.tables import TABLES

KEY_OF = key_getters()
FIXED_OF = fixed_getters()
# Rows that are also found by a column that is not their key.
FOUND_BY: dict[type[Row], str] = {
    Offer: "stock_id",
    Delivery: "order_id",
    Supply: "order_id",
    Unit: "code_hash",
    Channel: "active",
    Account: "buyer_id",
    Consent: "account_id",
    Link: "account_id",
}


class NotLoaded(BaseException):
    """Ends an operation's attempt. Not an Exception, so that no rule can take it for one."""


class Missing:
    """What operations have asked for in this round and is not loaded."""

    def __init__(self) -> None:
        self.lookups: defaultdict[tuple[type[Row], tuple[str, ...]], set[Key]] = defaultdict(set)
        self.units: defaultdict[str, int] = defaultdict(int)
        self.due: dict[str, tuple[datetime, int]] = {}

    def want_due(self, stock_id: str, now: datetime, limit: int) -> None:
        """The widest of what several operations want."""
        known = self.due.get(stock_id)
        self.due[stock_id] = (max(now, known[0]), max(limit, known[1])) if known else (now, limit)


class Flight:
    """What all operations of a transaction share. Each sees what those before it have written."""

    def __init__(self, hints: Hints, shelf: Shelf, size: int = 1) -> None:
        """`size`: how many operations it has; not many more units of a stock are loaded than they may take."""
        self._hints = hints
        self._shelf: Shelf | None = shelf
        self._size = size
        self.missing = Missing()
        self._asked: list[Missing] = []
        self._clear()

    def _clear(self) -> None:
        self.pools: dict[str, Pool] = {}
        self.rows: defaultdict[type[Row], dict[Key, Row | None]] = defaultdict(dict)
        self.found: dict[tuple[type[Row], object], list[Key]] = {}
        self.due: dict[str, tuple[datetime, int, list[Key]]] = {}
        self._fresh: defaultdict[str, list[Unit]] = defaultdict(list)
        self._stored: defaultdict[type[Row], dict[Key, Row]] = defaultdict(dict)
        self._absent: defaultdict[type[Row], set[Key]] = defaultdict(set)
        self._written: defaultdict[type[Row], set[Key]] = defaultdict(set)
        self._written_with: defaultdict[tuple[type[Row], object], set[Key]] = defaultdict(set)
        self._assumed: defaultdict[type[Row], dict[Key, int]] = defaultdict(dict)

    def again(self) -> None:
        """Begin again after something had changed: nothing is written, and all that was asked for is loaded anew."""
        for kind, assumed in self._assumed.items():
            self.missing.lookups[(kind, kind.KEY)] |= assumed.keys()
            for key in assumed:
                self._shelf.forget(kind, key)  # type: ignore[union-attr]  # there is one as long as there is any
        self._shelf = None
        self._clear()
        for asked in self._asked:
            for lookup, values in asked.lookups.items():
                self.missing.lookups[lookup] |= values
            for stock_id, count in asked.units.items():
                self.missing.units[stock_id] += count
            for stock_id, (now, limit) in asked.due.items():
                self.missing.want_due(stock_id, now, limit)
        self._asked = []

    def look(self, kind: type[Row], key: Key) -> bool:
        """Whether the row, or that there is none, is known; it is then in `rows`."""
        if key in self.rows[kind]:
            return True
        if self._shelf is None or kind not in KEPT:
            return False
        kept = self._shelf.get(kind, key)
        if kept is None:
            return False
        row, self._assumed[kind][key] = kept
        self.rows[kind][key] = self._stored[kind][key] = row
        return True

    def want_units(self, stock_id: str, quantity: int) -> None:
        """Have so many more units loaded, unless they are there or there are none."""
        pool, wanted = self.pools.get(stock_id), self.missing.units
        if pool is not None and pool.dry:
            return
        # What the pool has goes to those who ask first; each that asks adds its own.
        held = len(pool.units) if pool is not None and stock_id not in wanted else 0
        if quantity > held:
            wanted[stock_id] += quantity - held

    def merge(self, writes: dict[tuple[type[Row], Key], Row]) -> None:
        """Take over what an operation that succeeded has written."""
        for (kind, key), row in writes.items():
            self.rows[kind][key] = row
            self._written[kind].add(key)
            if isinstance(row, Unit):
                self._note(row)
            column = FOUND_BY.get(kind)
            if column is not None:
                self._written_with[(kind, getattr(row, column))].add(key)
                keys = self.found.get((kind, getattr(row, column)))
                if keys is not None and key not in keys:
                    keys.append(key)

    def _note(self, unit: Unit) -> None:
        """A unit that is for sale now, or is not any more."""
        if unit.state == "available":
            self._fresh[unit.stock_id].append(unit)
        if unit.stock_id in self.pools:
            self.pools[unit.stock_id].note(unit)

    async def load(self, transaction: Transaction) -> None:
        """Load what is missing, with one statement per table and column."""
        missing, self.missing = self.missing, Missing()
        self._asked.append(missing)
        lookups = [
            Lookup(kind, columns, sorted(values)) for (kind, columns), values in missing.lookups.items()
        ]
        units = [
            UnitsWanted(stock, self._after(stock), max(count, min(self._size, self._hints.taken(stock))))
            for stock, count in missing.units.items()
        ]
        due = [DueWanted(stock, now, limit) for stock, (now, limit) in missing.due.items()]
        loaded = await transaction.load(Wanted(lookups, units, due))
        for lookup, rows in zip(lookups, loaded.lookups, strict=True):
            self._take(lookup, rows)
        for want, rows_of_stock in zip(units, loaded.units, strict=True):
            await self._fill(transaction, want.stock_id, missing.units[want.stock_id], rows_of_stock)
        for due_want, holds in zip(due, loaded.due, strict=True):
            keys = [(hold.id,) for hold in holds]
            self._know(Reservation, keys, holds)
            self.due[due_want.stock_id] = (due_want.now, due_want.count, keys)

    def _know(self, kind: type[Row], keys: Iterable[Key], rows: Iterable[Row]) -> None:
        """Rows that are stored; what this flight has written since is newer."""
        known, stored = self.rows[kind], self._stored[kind]
        for key, row in zip(keys, rows, strict=True):
            known.setdefault(key, row)
            stored.setdefault(key, row)

    def _take(self, lookup: Lookup, rows: list[Row]) -> None:
        kind = lookup.kind
        keys = [KEY_OF[kind](row) for row in rows]
        self._know(kind, keys, rows)
        if lookup.columns == kind.KEY:
            known = self.rows[kind]
            for key in lookup.values:
                if key not in known:
                    known[key] = None
                    self._absent[kind].add(key)
            return
        column = lookup.columns[0]
        for (value,) in lookup.values:
            # what was written with this value, unless it was written again with another one
            written = self._written_with.get((kind, value), ())
            self.found[(kind, value)] = [
                key for key in written if getattr(self.rows[kind][key], column) == value
            ]
        for key, row in zip(keys, rows, strict=True):
            members = self.found[(kind, getattr(row, column))]
            if key not in members:
                members.append(key)

    def _after(self, stock_id: str) -> int:
        pool = self.pools.get(stock_id)
        if pool is None:
            pool = self.pools[stock_id] = Pool(self._hints.after(stock_id))
        return pool.after

    async def _fill(self, transaction: Transaction, stock_id: str, needed: int, units: list[Unit]) -> None:
        """Put units into the pool; look from the start when the hint has left too few."""
        pool = self.pools[stock_id]
        written = self._written[Unit]
        units = [unit for unit in units if (unit.id,) not in written]
        if len(units) < needed:
            held = {*pool.units, *(unit.id for unit in units), *(key[0] for key in written)}
            count = needed + len(held)
            loaded = await transaction.load(Wanted(units=[UnitsWanted(stock_id, -1, count)]))
            units = units + [unit for unit in loaded.units[0] if unit.id not in held]
            pool.dry = len(units) < needed
        if units:
            pool.after = max(pool.after, max(unit.seq for unit in units))
        self._know(Unit, [(unit.id,) for unit in units], units)
        pool.fill(units)
        pool.give_back(unit for unit in self._fresh[stock_id] if self.rows[Unit][(unit.id,)] is unit)

    @property
    def written(self) -> Mapping[type[Row], Set[Key]]:
        """Keys of what operations have written so far."""
        return self._written

    @property
    def assumed(self) -> Mapping[type[Row], Versions]:
        """Versions of the rows that were taken from the shelf."""
        return self._assumed

    def changes(self) -> list[Changes]:
        """All that has been written, in the order in which every flight writes."""
        found = []
        for kind in TABLES:
            keys = sorted(self._written[kind])
            if not keys:
                continue
            stored, absent, rows, fixed = (
                self._stored[kind],
                self._absent[kind],
                self.rows[kind],
                FIXED_OF[kind],
            )
            new: list[Row] = []
            known: list[Row] = []
            unknown: list[Row] = []
            for key in keys:
                row, before = rows[key], stored.get(key)
                if key in absent:
                    new.append(row)  # type: ignore[arg-type]  # what was written is a row
                elif before is not None and fixed(before) == fixed(row):
                    known.append(row)  # type: ignore[arg-type]
                else:
                    unknown.append(row)  # type: ignore[arg-type]
            found.append(Changes(kind, new, known, unknown))
        return found

    def sends(self) -> bool:
        """Whether it has written an event that waits to be sent."""
        events = self.rows[Event]
        return any(events[key].state == "pending" for key in self._written[Event])  # type: ignore[union-attr]

    def learn(self, transaction: Transaction, stamp: object) -> None:
        """After the commit; `stamp` is the transaction's from before it."""
        self._hints.learn(self.pools)
        if self._shelf is not None:
            for kind in KEPT:
                self._shelf.put(kind, self.rows[kind], transaction.version)
            self._shelf.stamp = stamp
