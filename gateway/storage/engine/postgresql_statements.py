"""The hot statements in PostgreSQL's words: one for any number of rows, which come as one parameter per column.

A column of texts comes as one text, which PostgreSQL takes apart: the driver would look at each value several times.
The first two parameters of such a statement say what stands between values, and what stands for NULL.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import JSON, Text
from sqlalchemy.dialects.postgresql import dialect

from gateway.core.model import Reservation, Row, Unit
from gateway.storage.engine.base import memo
from gateway.storage.engine.codec import Codec
from gateway.storage.tables import LOCKED

PLAIN = dialect()  # type: ignore[no-untyped-call]
FIRST = 3  # number of the first parameter that is a column
KEYS = 3  # columns that a primary key has at most
TEXTS = (Text, JSON)
VERSION = "SELECT pg_current_xact_id()::xid"
# Takes so many positions at the end of the feeds; the last one that was taken before.
NUMBER = "UPDATE feeds SET position = position + $1 RETURNING position - $1"


class Statements:
    """Texts of statements by table, each made once."""

    def __init__(self, codecs: Mapping[type[Row], Codec]) -> None:
        self._codecs = codecs
        self._verbs: dict[str, Callable[[type[Row], int], str]] = {
            "insert": self._insert,
            "update": self._update,
            "upsert": self._upsert,
        }
        self.lookup = memo(self._lookup)
        self.by_ids = memo(self._by_ids)
        self.texts = memo(self._texts)
        self.confirm = memo(self._confirm)
        self.write = memo(self._write)
        names = ", ".join(f"u.{name}" for name in codecs[Unit].names)
        self.units = (
            f"SELECT {names} FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS wanted(stock_id, after, count)"  # noqa: S608
            " CROSS JOIN LATERAL (SELECT * FROM units WHERE units.state = 'available'"
            " AND units.stock_id = wanted.stock_id AND units.seq > wanted.after"
            " ORDER BY units.seq LIMIT wanted.count) AS u"
        )
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
        first = FIRST if any(self.texts(kind, columns)) else 1
        return (
            f"SELECT {names}, t.xmin FROM {self._unnest(kind, columns, first)} AS wanted({', '.join(columns)})"  # noqa: S608
            f" JOIN {codec.table.name} AS t ON {same}"
        )

    def _by_ids(self, kind: type[Row]) -> str:
        codec = self._codecs[kind]
        return f"SELECT {', '.join(codec.names)} FROM {codec.table.name} WHERE id = ANY($1::text[])"  # noqa: S608

    def _confirm(self, kinds: tuple[type[Row], ...], waiting: bool) -> str:
        """For each kind its place, and the keys and versions of the rows that are there.

        Rows are locked in the order of kinds and keys. Unless `waiting`, a row that another has locked is an error.
        """
        parts, start = [], FIRST
        for place, kind in enumerate(kinds):
            codec = self._codecs[kind]
            key = codec.key
            wanted = f"{self._unnest(kind, key, start)} AS wanted({', '.join(key)})"
            same = " AND ".join(f"t.{name} = wanted.{name}" for name in key)
            columns = [f"t.{name}::text AS key{n}" for n, name in enumerate(key)]
            columns += [f"NULL::text AS key{n}" for n in range(len(key), KEYS)]
            query = (
                f"SELECT {place} AS place, {', '.join(columns)}, t.xmin AS version FROM {wanted}"  # noqa: S608
                f" JOIN {codec.table.name} AS t ON {same}"
            )
            if kind in LOCKED:
                query += f" ORDER BY {', '.join(f't.{name}' for name in key)} FOR NO KEY UPDATE OF t"
                query += "" if waiting else " NOWAIT"
            parts.append(f"SELECT * FROM ({query}) AS part{place}")  # noqa: S608
            start += len(key)
        return " UNION ALL ".join(parts)

    def _write(self, parts: tuple[tuple[str, type[Row]], ...]) -> str:
        """Write to several tables at once; the version that all these rows then have."""
        texts, start = [], FIRST
        for place, (verb, kind) in enumerate(parts):
            texts.append(f"write{place} AS ({self._verbs[verb](kind, start)})")
            codec = self._codecs[kind]
            start += len(codec.key) + len(codec.moving) if verb == "update" else len(codec.names)
        return f"WITH {', '.join(texts)} {VERSION}"

    def _insert(self, kind: type[Row], start: int) -> str:
        codec = self._codecs[kind]
        names = ", ".join(codec.names)
        return (
            f"INSERT INTO {codec.table.name} ({names}) SELECT * FROM {self._unnest(kind, codec.names, start)}"  # noqa: S608
        )

    def _upsert(self, kind: type[Row], start: int) -> str:
        codec = self._codecs[kind]
        changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in codec.names if name not in codec.key)
        return f"{self._insert(kind, start)} ON CONFLICT ({', '.join(codec.key)}) DO UPDATE SET {changes}"

    def _update(self, kind: type[Row], start: int) -> str:
        """The key's columns, then those that may have changed."""
        codec = self._codecs[kind]
        columns = (*codec.key, *codec.moving)
        changes = ", ".join(f"{name} = given.{name}" for name in codec.moving)
        same = " AND ".join(f"t.{name} = given.{name}" for name in codec.key)
        given = f"{self._unnest(kind, columns, start)} AS given({', '.join(columns)})"
        return f"UPDATE {codec.table.name} AS t SET {changes} FROM {given} WHERE {same}"  # noqa: S608

    def _unnest(self, kind: type[Row], columns: Sequence[str], start: int) -> str:
        """`unnest((string_to_array($3, $1, $2))[2:], $4::bigint[])`"""
        table = self._codecs[kind].table
        parts = []
        for place, column in enumerate(columns, start):
            column_type = table.columns[column].type
            cast = f"::{column_type.compile(PLAIN)}[]"
            if isinstance(column_type, TEXTS):
                # the first one is empty: of no text at all there would be no array
                array = f"(string_to_array(${place}, $1, $2))[2:]"
                parts.append(f"{array}{cast}" if isinstance(column_type, JSON) else array)
            else:
                parts.append(f"${place}{cast}")
        return f"unnest({', '.join(parts)})"

    def _texts(self, kind: type[Row], columns: tuple[str, ...]) -> tuple[bool, ...]:
        """Which of these columns are texts."""
        table = self._codecs[kind].table
        return tuple(isinstance(table.columns[name].type, TEXTS) for name in columns)


def arrays(rows: Sequence[Sequence[Any]], columns: int) -> list[list[Any]]:
    """Rows turned into one list per column."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(columns)]


def parameters(tables: Sequence[tuple[Sequence[Sequence[Any]], tuple[bool, ...]]]) -> list[Any]:
    """The parameters of a statement for rows of several tables, and which of each one's columns are texts."""
    between, null = "\x1f", "\x1e"  # rare, and never in JSON
    marked = any(any(texts) for _, texts in tables)
    while True:
        given: list[Any] = [between, null] if marked else []
        for rows, texts in tables:
            for column, is_text in zip(zip(*rows, strict=True), texts, strict=True):
                given.append(_joined(column, between, null) if is_text else list(column))
        if None not in given:
            return given
        between, null = secrets.token_hex(8), secrets.token_hex(8)


def _joined(values: Sequence[str | None], between: str, null: str) -> str | None:
    """All in one text; None if a value has one of the marks in it."""
    nulls = values.count(None)
    if nulls:
        values = [null if value is None else value for value in values]
    joined = between + between.join(values)  # type: ignore[arg-type]  # there is no None left
    return joined if joined.count(between) == len(values) and joined.count(null) == nulls else None
