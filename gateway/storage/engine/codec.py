"""Values to rows of plain values and back, prepared once per table so that the hot path only copies tuples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, get_origin, get_type_hints

import orjson
from sqlalchemy import JSON, Table

from gateway.core.model import Row
from gateway.storage.tables import TABLES

Convert = Callable[[Any], Any]


def dump_json(value: Any) -> str:
    """JSON as the text both databases keep."""
    return orjson.dumps(value).decode()


class Codec:
    """One table's. `names` are its columns in the order of the value's fields, `key` those of its primary key."""

    def __init__(
        self, kind: type[Row], encode: Mapping[type, Convert], decode: Mapping[type, Convert]
    ) -> None:
        self.kind = kind
        self.table: Table = TABLES[kind]
        self.names = tuple(column.name for column in self.table.columns)
        self.key = kind.KEY
        self._get = attrgetter(*self.names)
        self._encoders = self._converters(encode)
        self._decoders = self._converters(decode)
        hints = get_type_hints(kind)
        tuples = [place for place, name in enumerate(self.names) if get_origin(hints[name]) is tuple]
        self._decoders += [(place, tuple) for place in tuples]

    def _converters(self, convert: Mapping[type, Convert]) -> list[tuple[int, Convert]]:
        columns = enumerate(self.table.columns)
        return [
            (place, convert[type(column.type)]) for place, column in columns if type(column.type) in convert
        ]

    def dump(self, row: Row) -> tuple[Any, ...]:
        """The row's plain values, in column order."""
        values: tuple[Any, ...] = self._get(row)
        if not self._encoders:
            return values
        changed = list(values)
        for place, convert in self._encoders:
            if changed[place] is not None:
                changed[place] = convert(changed[place])
        return tuple(changed)

    def load(self, values: Sequence[Any]) -> Row:
        """The row with these plain values."""
        if not self._decoders:
            return self.kind(*values)
        changed = list(values)
        for place, convert in self._decoders:
            if changed[place] is not None:
                changed[place] = convert(changed[place])
        return self.kind(*changed)


def codecs(encode: Mapping[type, Convert], decode: Mapping[type, Convert]) -> dict[type[Row], Codec]:
    """Codecs of all tables; `encode` and `decode` convert values of a column type that the driver does not."""
    return {kind: Codec(kind, {JSON: dump_json, **encode}, {JSON: orjson.loads, **decode}) for kind in TABLES}


def key_getters() -> dict[type[Row], Callable[[Any], tuple[Any, ...]]]:
    """For each kind, a function from a row to its primary key, always a tuple."""
    getters: dict[type[Row], Callable[[Any], tuple[Any, ...]]] = {}
    for kind in TABLES:
        names = kind.KEY
        getters[kind] = attrgetter(*names) if len(names) > 1 else _single(names[0])
    return getters


def _single(name: str) -> Callable[[Any], tuple[Any, ...]]:
    get = attrgetter(name)
    return lambda row: (get(row),)
