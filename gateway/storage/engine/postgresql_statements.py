"""The hot statements in PostgreSQL's words: one for any number of rows, which come as one array per column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.dialects.postgresql import dialect

from gateway.core.model import Reservation, Row, Unit
from gateway.storage.engine.base import Key, memo
from gateway.storage.engine.codec import Codec

PLAIN = dialect()  # type: ignore[no-untyped-call]


class Statements:
    """Texts of statements by table, each made once."""

    def __init__(self, codecs: Mapping[type[Row], Codec]) -> None:
        self._codecs = codecs
        self.lookup = memo(self._lookup)
        self.lock = memo(self._lock)
        self.insert = memo(self._insert)
        self.upsert = memo(self._upsert)
        self.update = memo(self._update)
        names = ", ".join(f"u.{name}" for name in codecs[Unit].names)
        self.units = (
            f"SELECT {names} FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS wanted(stock_id, after, count)"  # noqa: S608
            " CROSS JOIN LATERAL (SELECT * FROM units WHERE units.state = 'available'"
            " AND units.stock_id = wanted.stock_id AND units.seq > wanted.after"
            " ORDER BY units.seq LIMIT wanted.count FOR UPDATE SKIP LOCKED) AS u"
        )
        self.units_in_turn = self.units.replace(" SKIP LOCKED", "")
        names = ", ".join(f"d.{name}" for name in codecs[Reservation].names)
        self.due = (
            f"SELECT {names}, d.xmin FROM unnest($1::text[], $2::timestamptz[], $3::bigint[])"  # noqa: S608
            " AS wanted(stock_id, now, count)"
            " CROSS JOIN LATERAL (SELECT *, xmin FROM reservations WHERE reservations.status = 'active'"
            " AND reservations.stock_id = wanted.stock_id AND reservations.expires_at <= wanted.now"
            " ORDER BY reservations.expires_at, reservations.id LIMIT wanted.count) AS d"
        )

    def _lookup(self, kind: type[Row], columns: tuple[str, ...]) -> str:
        """All columns, then the row's version."""
        codec = self._codecs[kind]
        names = ", ".join(f"t.{name}" for name in codec.names)
        same = " AND ".join(f"t.{name} = wanted.{name}" for name in columns)
        return (
            f"SELECT {names}, t.xmin FROM {self._unnest(kind, columns, 'wanted')}"  # noqa: S608
            f" JOIN {codec.table.name} AS t ON {same}"
        )

    def _lock(self, kind: type[Row]) -> str:
        """Locks in key order; gives the key and the row's version."""
        codec = self._codecs[kind]
        key = ", ".join(f"t.{name}" for name in codec.key)
        wanted = self._unnest(kind, codec.key, "wanted")
        same = " AND ".join(f"t.{name} = wanted.{name}" for name in codec.key)
        return (
            f"SELECT {key}, t.xmin FROM {wanted} JOIN {codec.table.name} AS t ON {same}"  # noqa: S608
            f" ORDER BY {key} FOR NO KEY UPDATE OF t"
        )

    def _insert(self, kind: type[Row]) -> str:
        codec = self._codecs[kind]
        names = ", ".join(codec.names)
        return f"INSERT INTO {codec.table.name} ({names}) SELECT * FROM {self._unnest(kind, codec.names, 'given')}"  # noqa: S608

    def _upsert(self, kind: type[Row]) -> str:
        codec = self._codecs[kind]
        changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in codec.names if name not in codec.key)
        return f"{self._insert(kind)} ON CONFLICT ({', '.join(codec.key)}) DO UPDATE SET {changes}"

    def _update(self, kind: type[Row]) -> str:
        codec = self._codecs[kind]
        changes = ", ".join(f"{name} = given.{name}" for name in codec.names if name not in codec.key)
        same = " AND ".join(f"t.{name} = given.{name}" for name in codec.key)
        given = self._unnest(kind, codec.names, "given")
        return f"UPDATE {codec.table.name} AS t SET {changes} FROM {given} WHERE {same}"  # noqa: S608

    def _unnest(self, kind: type[Row], columns: Sequence[str], name: str) -> str:
        """`unnest($1::text[], $2::bigint[]) AS name(a, b)`"""
        table = self._codecs[kind].table
        types = [table.columns[column].type.compile(PLAIN) for column in columns]
        arrays = ", ".join(f"${place}::{kind_of}[]" for place, kind_of in enumerate(types, 1))
        return f"unnest({arrays}) AS {name}({', '.join(columns)})"


def arrays(rows: Sequence[Key], columns: int) -> list[list[Any]]:
    """Rows turned into one list per column."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(columns)]
