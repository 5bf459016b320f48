"""Values to rows of plain values and back, prepared once per table so that the hot path only copies tuples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, get_origin, get_type_hints

import orjson
from sqlalchemy import JSON, Table

from gateway.core.model import Row
from gateway.storage.tables import FEEDS, FIXED, TABLES

Convert = Callable[[Any], Any]
# Each kind's fields that are tuples. Once: types are written as texts, and reading them is most of making a codec.
TUPLES: dict[type[Row], frozenset[str]] = {
    kind: frozenset(name for name, hint in get_type_hints(kind).items() if get_origin(hint) is tuple)
    for kind in TABLES
}


def dump_json(value: Any) -> str:
    """JSON as the text both databases keep."""
    return orjson.dumps(value).decode()


class Codec:
    """One table's. `names` are its columns in the order of the value's fields, `key` those of its primary key.

    `moving` are the columns that an update writes: all but the key and those of FIXED.
    """

    def __init__(
        self, kind: type[Row], encode: Mapping[type, Convert], decode: Mapping[type, Convert]
    ) -> None:
        self.kind = kind
        self.table: Table = TABLES[kind]
        self.names = tuple(column.name for column in self.table.columns)
        self.key = kind.KEY
        fixed = FIXED.get(kind, frozenset())
        self.moving = tuple(name for name in self.names if name not in fixed and name not in self.key)
        self.dump = self._dumper(self.names, encode)
        self.dump_update = self._dumper((*self.key, *self.moving), encode)
        self._decoders = self._converters(self.names, decode)
        self._decoders += [(place, tuple) for place, name in enumerate(self.names) if name in TUPLES[kind]]

    def shape(self, verb: str) -> tuple[tuple[str, ...], Callable[[Row], Sequence[Any]]]:
        """The columns that an `update` or another verb writes, and what gives a row's values of them."""
        return ((*self.key, *self.moving), self.dump_update) if verb == "update" else (self.names, self.dump)

    def _converters(self, names: Sequence[str], convert: Mapping[type, Convert]) -> list[tuple[int, Convert]]:
        kinds = [type(self.table.columns[name].type) for name in names]
        return [(place, convert[kind]) for place, kind in enumerate(kinds) if kind in convert]

    def _dumper(self, names: Sequence[str], encode: Mapping[type, Convert]) -> Callable[[Row], Sequence[Any]]:
        """A function from a row to the plain values of these columns."""
        get, encoders = attrgetter(*names), self._converters(names, encode)
        if not encoders and self.kind not in FEEDS:  # which are given a position in place
            return get

        def dump(row: Row) -> Sequence[Any]:
            values = list(get(row))
            for place, convert in encoders:
                if values[place] is not None:
                    values[place] = convert(values[place])
            return values

        return dump

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


def _nothing(_: Any) -> None:
    """All of the columns may change."""


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


def fixed_getters() -> dict[type[Row], Callable[[Any], Any]]:
    """For each kind, a function from a row to the values of the columns that almost never change."""
    return {kind: attrgetter(*sorted(FIXED[kind])) if kind in FIXED else _nothing for kind in TABLES}
