"""What makes a value a row of the books: fields that never change in place, cheap to make and to make anew.

The type checker holds that nobody assigns to a field. Python's own frozen dataclasses check it at each assignment too,
and so take five times as long to be made: an order makes twenty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform

T = TypeVar("T")


class Row:
    """A value that has a table of its own."""

    __slots__ = ()
    KEY: ClassVar[tuple[str, ...]] = ("id",)


@dataclass_transform(frozen_default=True)
def row(kind: type[T]) -> type[T]:
    """Make a class a row."""
    return dataclass(slots=True)(kind)


@cache
def _shape(kind: type[Any]) -> tuple[Callable[[Any], tuple[Any, ...]], dict[str, int]]:
    names = [field.name for field in fields(kind)]
    return attrgetter(*names), {name: place for place, name in enumerate(names)}


if TYPE_CHECKING:
    from dataclasses import replace
else:

    def replace(old: T, /, **changes: Any) -> T:
        """As `dataclasses.replace`, for rows."""
        get, places = _shape(type(old))
        values = list(get(old))
        for name, value in changes.items():
            values[places[name]] = value
        return type(old)(*values)


__all__ = ["Row", "replace", "row"]
