"""The hot statements in SQLite's words, many rows each, in sizes of powers of two so that few texts are prepared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from gateway.core.model import Reservation, Row, Unit
from gateway.storage.engine.base import Lookup, memo
from gateway.storage.engine.codec import Codec

LARGEST = 64
NUMBER = "UPDATE feeds SET position = position + ? RETURNING position"
Verb = Callable[[type[Row], int], str]


def sizes(count: int) -> Iterator[int]:
    """Powers of two, largest first, that add up to `count`."""
    size = LARGEST
    while count:
        while size > count:
            size //= 2
        yield size
        count -= size


class Statements:
    """Texts of statements by table and number of rows, each made once."""

    def __init__(self, codecs: Mapping[type[Row], Codec]) -> None:
        self._codecs = codecs
        self.insert: Verb = memo(self._insert)
        self.upsert: Verb = memo(self._upsert)
        self.update: Verb = memo(self._update)
        self._lookup = memo(self._make_lookup)
        columns = ", ".join(codecs[Unit].names)
        self.units = (
            f"SELECT {columns} FROM units WHERE state = 'available' AND stock_id = ? AND seq > ?"  # noqa: S608
            " ORDER BY seq LIMIT ?"
        )
        columns = ", ".join(codecs[Reservation].names)
        self.due = (
            f"SELECT {columns} FROM reservations WHERE status = 'active' AND stock_id = ? AND expires_at <= ?"  # noqa: S608
            " ORDER BY expires_at, id LIMIT ?"
        )

    def lookups(self, lookup: Lookup) -> Iterator[tuple[str, list[Any]]]:
        """Statements, with their values, that find the rows."""
        done = 0
        for size in sizes(len(lookup.values)):
            values = lookup.values[done : done + size]
            done += size
            yield self._lookup(lookup.kind, lookup.columns, size), list(chain.from_iterable(values))

    def pieces(
        self, kind: type[Row], verb: Verb, rows: Sequence[Sequence[Any]]
    ) -> Iterator[tuple[str, list[Any]]]:
        """Statements, with their values, that write the rows."""
        done = 0
        for size in sizes(len(rows)):
            yield verb(kind, size), list(chain.from_iterable(rows[done : done + size]))
            done += size

    def _make_lookup(self, kind: type[Row], columns: tuple[str, ...], size: int) -> str:
        codec = self._codecs[kind]
        name = codec.table.name
        if len(columns) == 1:
            condition = f"{columns[0]} IN ({', '.join('?' * size)})"
            return f"SELECT {', '.join(codec.names)} FROM {name} WHERE {condition}"  # noqa: S608
        # `(a, b) IN (VALUES …)` reads the whole table as soon as there are two rows; CROSS JOIN keeps the order given.
        same = " AND ".join(f"{name}.{column} = given.column{at}" for at, column in enumerate(columns, 1))
        names = ", ".join(f"{name}.{column}" for column in codec.names)
        rows = _places(len(columns), size)
        return f"SELECT {names} FROM (VALUES {rows}) AS given CROSS JOIN {name} ON {same}"  # noqa: S608

    def _insert(self, kind: type[Row], size: int) -> str:
        codec = self._codecs[kind]
        names = ", ".join(codec.names)
        return f"INSERT INTO {codec.table.name} ({names}) VALUES {_places(len(codec.names), size)}"  # noqa: S608

    def _upsert(self, kind: type[Row], size: int) -> str:
        codec = self._codecs[kind]
        changes = ", ".join(f"{name} = excluded.{name}" for name in codec.names if name not in codec.key)
        return f"{self._insert(kind, size)} ON CONFLICT ({', '.join(codec.key)}) DO UPDATE SET {changes}"

    def _update(self, kind: type[Row], size: int) -> str:
        """The key's columns, then those that may have changed. Columns of VALUES are called column1, column2, …"""
        codec = self._codecs[kind]
        name, given = codec.table.name, len(codec.key)
        changes = ", ".join(f"{column} = given.column{n}" for n, column in enumerate(codec.moving, given + 1))
        same = " AND ".join(f"{name}.{column} = given.column{n}" for n, column in enumerate(codec.key, 1))
        rows = _places(given + len(codec.moving), size)
        return f"UPDATE {name} SET {changes} FROM (VALUES {rows}) AS given WHERE {same}"  # noqa: S608


def _places(columns: int, rows: int) -> str:
    """`(?, ?), (?, ?)`"""
    row = f"({', '.join('?' * columns)})"
    return ", ".join([row] * rows)
