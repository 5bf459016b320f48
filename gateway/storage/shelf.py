"""Rows that flights use again and again, remembered from one to the next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from gateway.core.model import Channel, HoldCount, Offer, Row, Stock
from gateway.storage.engine.base import Key

KEPT: frozenset[type[Row]] = frozenset({Channel, Offer, Stock, HoldCount})
MOST = 4096  # rows of a kind


class Shelf:
    """What earlier flights have read and written of a few kinds, each row with its version.

    Only a guess at what is stored: whoever uses a row has it confirmed before anything is written. What was wrong, or
    may be, is forgotten; it is then loaded.
    """

    def __init__(self) -> None:
        self._rows: defaultdict[type[Row], dict[Key, tuple[Row, int]]] = defaultdict(dict)
        self.stamp: object = None

    def check(self, stamp: object) -> None:
        """Forget everything if somebody else may have written since."""
        if stamp != self.stamp:
            self.clear()
            self.stamp = stamp

    def get(self, kind: type[Row], key: Key) -> tuple[Row, int] | None:
        """The row and its version."""
        return self._rows[kind].get(key)

    def put(
        self, kind: type[Row], rows: dict[Key, Row | None], version: Callable[[type[Row], Key], int]
    ) -> None:
        """Remember rows of a flight that has been committed; the oldest make room."""
        kept = self._rows[kind]
        for key, row in rows.items():
            if row is not None:
                kept[key] = (row, version(kind, key))
        while len(kept) > MOST:
            del kept[next(iter(kept))]

    def forget(self, kind: type[Row], key: Key) -> None:
        """This one has changed."""
        self._rows[kind].pop(key, None)

    def clear(self) -> None:
        """All of it."""
        self._rows.clear()
