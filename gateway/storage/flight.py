"""The rows that one transaction knows: loaded, changed by its operations so far, and still to be loaded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from datetime import datetime

from gateway.core.model import Channel, Delivery, Offer, Reservation, Row, Unit
from gateway.core.model_supplies import Supply
from gateway.storage.engine.base import Changes, DueWanted, Key, Lookup, Transaction, UnitsWanted, Wanted
from gateway.storage.engine.codec import key_getters
from gateway.storage.tables import TABLES

KEY_OF = key_getters()
# Rows that are also found by a column that is not their key.
FOUND_BY: dict[type[Row], str] = {
    Offer: "stock_id",
    Delivery: "order_id",
    Supply: "order_id",
    Unit: "code_hash",
    Channel: "active",
}


class NotLoaded(BaseException):
    """Ends an operation's attempt. Not an Exception, so that no rule can take it for one."""


class Pool:
    """Units of one stock that are locked and not given out yet, lowest `seq` first."""

    __slots__ = ("after", "dry", "loaded", "units")

    def __init__(self, after: int) -> None:
        self.units: list[Unit] = []
        self.loaded: list[Unit] = []
        self.after = after
        self.dry = False

    def fill(self, units: list[Unit]) -> None:
        """Units that have been loaded."""
        self.loaded = sorted([*self.loaded, *units], key=_seq)
        self.give_back(units)

    def take(self, quantity: int) -> list[Unit]:
        """The first ones."""
        taken, self.units = self.units[:quantity], self.units[quantity:]
        return taken

    def give_back(self, units: Iterable[Unit]) -> None:
        """Units that an operation has not used after all."""
        self.units = sorted([*units, *self.units], key=_seq)


def _seq(unit: Unit) -> int:
    return unit.seq


class Hints:
    """What the flights before have learned of each stock.

    A `seq` below which nothing is for sale: a database would walk over all that was sold before. Only a hint: when it
    leaves too few, everything is looked through. And how many units the last flight took, which the next will too.
    """

    def __init__(self) -> None:
        self._after: dict[str, int] = {}
        self._taken: dict[str, int] = {}

    def after(self, stock_id: str) -> int:
        """Where to begin to look."""
        return self._after.get(stock_id, -1)

    def taken(self, stock_id: str) -> int:
        """How many units it may be worth to load at once."""
        return self._taken.get(stock_id, 1)

    def learn(self, pools: dict[str, Pool]) -> None:
        """After a commit."""
        for stock_id, pool in pools.items():
            self._after[stock_id] = pool.units[0].seq - 1 if pool.units else pool.after
            self._taken[stock_id] = len(pool.loaded) - len(pool.units)


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

    def __init__(self, hints: Hints, size: int = 1, patient: bool = False) -> None:
        """`size`: how many operations it has; not many more units of a stock are loaded than they may take."""
        self._hints = hints
        self._size = size
        self._patient = patient
        # An operation got fewer units than it asked for: others may have them locked.
        self.short = False
        self.pools: dict[str, Pool] = {}
        self.missing = Missing()
        self._asked: list[Missing] = []
        self._clear()

    def _clear(self) -> None:
        self.rows: defaultdict[type[Row], dict[Key, Row | None]] = defaultdict(dict)
        self.found: dict[tuple[type[Row], object], list[Key]] = {}
        self.due: dict[str, tuple[datetime, int, list[Key]]] = {}
        self._stored: defaultdict[type[Row], set[Key]] = defaultdict(set)
        self._absent: defaultdict[type[Row], set[Key]] = defaultdict(set)
        self._written: defaultdict[type[Row], set[Key]] = defaultdict(set)

    def again(self) -> None:
        """Begin again after something had changed: nothing is written, and all that was asked for is loaded anew.

        Units are locked from the moment they are loaded; those that were given out go back to their pools.
        """
        self._clear()
        self.short = False
        for pool in self.pools.values():
            pool.units = list(pool.loaded)
            self._know(Unit, [(unit.id,) for unit in pool.units], pool.units)
        for asked in self._asked:
            for lookup, values in asked.lookups.items():
                self.missing.lookups[lookup] |= values
            for stock_id, (now, limit) in asked.due.items():
                self.missing.want_due(stock_id, now, limit)
        self._asked = []

    def merge(self, writes: dict[tuple[type[Row], Key], Row]) -> None:
        """Take over what an operation that succeeded has written."""
        for (kind, key), row in writes.items():
            self.rows[kind][key] = row
            self._written[kind].add(key)
            column = FOUND_BY.get(kind)
            if column is not None:
                keys = self.found.get((kind, getattr(row, column)))
                if keys is not None and key not in keys:
                    keys.append(key)

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
        loaded = await transaction.load(Wanted(lookups, units, due, self._patient))
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
            stored.add(key)

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
            self.found[(kind, value)] = []
        for key, row in zip(keys, rows, strict=True):
            self.found[(kind, getattr(row, column))].append(key)
        for key in self._written[kind]:
            written = self.rows[kind][key]
            members = self.found.get((kind, getattr(written, column)))
            if members is not None and key not in members:
                members.append(key)

    def _after(self, stock_id: str) -> int:
        pool = self.pools.get(stock_id)
        if pool is None:
            pool = self.pools[stock_id] = Pool(self._hints.after(stock_id))
        return pool.after

    async def _fill(self, transaction: Transaction, stock_id: str, needed: int, units: list[Unit]) -> None:
        """Put units into the pool; look from the start when the hint has left too few."""
        pool = self.pools[stock_id]
        if len(units) < needed:
            held = {unit.id for unit in [*pool.units, *units]} | {key[0] for key in self._written[Unit]}
            count = needed + len(held)
            loaded = await transaction.load(
                Wanted(units=[UnitsWanted(stock_id, -1, count)], patient=self._patient)
            )
            units = units + [unit for unit in loaded.units[0] if unit.id not in held]
            pool.dry = len(units) < needed
        if units:
            pool.after = max(pool.after, max(unit.seq for unit in units))
        self._know(Unit, [(unit.id,) for unit in units], units)
        pool.fill(units)

    @property
    def written(self) -> Mapping[type[Row], Set[Key]]:
        """Keys of what operations have written so far."""
        return self._written

    def changes(self) -> list[Changes]:
        """All that has been written, in the order in which every flight writes."""
        found = []
        for kind in TABLES:
            keys = sorted(self._written[kind])
            if not keys:
                continue
            stored, absent, rows = self._stored[kind], self._absent[kind], self.rows[kind]
            new: list[Row | None] = [rows[key] for key in keys if key in absent]
            known = [rows[key] for key in keys if key in stored]
            unknown = [rows[key] for key in keys if key not in stored and key not in absent]
            found.append(Changes(kind, new, known, unknown))  # type: ignore[arg-type]
        return found

    def learn(self) -> None:
        """After the commit."""
        self._hints.learn(self.pools)
