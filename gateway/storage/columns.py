"""From the fields of a value to its table: a column for each, so that none can be forgotten."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine

from gateway.core.model import Row

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s",
        "ix": "%(table_name)s_%(column_0_N_name)s",
    }
)

COLUMN_TYPES: dict[Any, type[TypeEngine[Any]]] = {
    str: Text,
    int: BigInteger,
    bool: Boolean,
    bytes: LargeBinary,
    datetime: DateTime,
    dict: JSON,
    list: JSON,
    tuple: JSON,
}
# In the order in which a flight locks and writes them, the same for all, so that no two flights wait for each other.
TABLES: dict[type[Row], Table] = {}


def _column(name: str, hint: Any, key: tuple[str, ...]) -> Column[Any]:
    """The column of one field: `| None` is nullable, dict, list and tuple are JSON."""
    nullable = get_origin(hint) in (Union, UnionType) and NoneType in get_args(hint)
    kinds = [part for part in get_args(hint) if part is not NoneType] if nullable else [hint]
    plain = get_origin(kinds[0]) or kinds[0]
    column_type = DateTime(timezone=True) if plain is datetime else COLUMN_TYPES[plain]()
    return Column(name, column_type, primary_key=name in key, nullable=nullable)


def table(kind: type[Row], name: str, *items: SchemaItem) -> Table:
    """The table of a value, with its constraints and indexes."""
    hints = get_type_hints(kind)
    fields = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    TABLES[kind] = Table(
        name, metadata, *(_column(field, hints[field], kind.KEY) for field in fields), *items
    )
    return TABLES[kind]


def check(name: str, condition: str) -> CheckConstraint:
    """What the database refuses."""
    return CheckConstraint(condition, name=name)


def one_of(column: str, *values: str) -> CheckConstraint:
    """The values that a column may have."""
    return check(column, f"{column} IN ({', '.join(repr(value) for value in values)})")


def partial(name: str, where: str, *columns: str, unique: bool = False) -> Index:
    """An index of the rows that meet a condition; both databases have them."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))
