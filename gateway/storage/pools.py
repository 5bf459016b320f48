"""Unsold units that a transaction has loaded, and what earlier ones have learned of where to find them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from gateway.core.model import Unit


class Pool:
    """Units of one stock that are not given out yet, lowest `seq` first. Whoever takes any has its stock locked."""

    __slots__ = ("after", "dry", "loaded", "units")

    def __init__(self, after: int) -> None:
        self.units: dict[str, Unit] = {}
        self.loaded = 0
        self.after = after
        self.dry = False

    def fill(self, units: list[Unit]) -> None:
        """Units that have been loaded."""
        self.loaded += len(units)
        self.give_back(units)

    def take(self, quantity: int) -> list[Unit]:
        """The first ones."""
        taken = list(islice(self.units.values(), quantity))
        for unit in taken:
            del self.units[unit.id]
        return taken

    def give_back(self, units: Iterable[Unit]) -> None:
        """Units that an operation has not used after all."""
        self.units = {unit.id: unit for unit in sorted([*units, *self.units.values()], key=_seq)}

    def note(self, unit: Unit) -> None:
        """An operation has written it: new, sold, voided."""
        if unit.state == "available":
            self.give_back([unit])
        else:
            self.units.pop(unit.id, None)


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
            first = next(iter(pool.units.values()), None)
            self._after[stock_id] = first.seq - 1 if first else pool.after
            self._taken[stock_id] = pool.loaded - len(pool.units)
