"""What the rest of the storage asks of a database, whichever it is."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from sqlalchemy import Executable

from gateway.core.model import Reservation, Row, Unit

P = ParamSpec("P")
T = TypeVar("T")
Key = tuple[Any, ...]
Versions = Mapping[Key, int]


def memo(make: Callable[P, T]) -> Callable[P, T]:
    """Make each value once (functools.cache with its types kept)."""
    return cast(Callable[P, T], functools.cache(make))


class DatabaseFailure(Exception):
    """The database did not do what it was asked."""


class Conflict(DatabaseFailure):
    """Another transaction was first (unique key, deadlock, serialization): worth another attempt."""


class Refused(DatabaseFailure):
    """The database refuses the data itself (a check, a type): another attempt would end the same way."""


class Unreachable(DatabaseFailure, ConnectionError):
    """No connection, no space, or locked for too long: nothing can be said about the data."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Rows of a kind that have one of `values` in `columns`."""

    kind: type[Row]
    columns: tuple[str, ...]
    values: Sequence[Key]


@dataclass(frozen=True, slots=True)
class UnitsWanted:
    """So many available units of a stock with a `seq` above `after`, in order."""

    stock_id: str
    after: int
    count: int


@dataclass(frozen=True, slots=True)
class DueWanted:
    """So many active holds on a stock that end by `now`, oldest first."""

    stock_id: str
    now: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that one round of a flight has to load."""

    lookups: Sequence[Lookup] = ()
    units: Sequence[UnitsWanted] = ()
    due: Sequence[DueWanted] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """The answer, each list in the order of what was wanted."""

    lookups: list[list[Row]] = field(default_factory=list)
    units: list[list[Unit]] = field(default_factory=list)
    due: list[list[Reservation]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Changes:
    """What one flight writes to one table, each list in key order.

    `inserts` were looked for and are not there; `updates` are, with their fixed columns as they were; of `upserts`
    neither is known, so all of the row is written.
    """

    kind: type[Row]
    inserts: Sequence[Row] = ()
    updates: Sequence[Row] = ()
    upserts: Sequence[Row] = ()


class Transaction(Protocol):
    """One transaction; rolled back if its block ends without `commit`. All may raise DatabaseFailure.

    `stamp` says where the database stands: as long as it is what it was when an earlier transaction of this engine
    had written and not yet committed, nobody else has written since. Always the same where rows have versions of
    their own.
    """

    @property
    def stamp(self) -> object: ...

    async def load(self, wanted: Wanted) -> Loaded:
        """Read rows, in the order in which they are wanted: rows, then units, then what is due. Nothing is locked."""

    async def confirm(
        self, written: Mapping[type[Row], Set[Key]], assumed: Mapping[type[Row], Versions]
    ) -> bool:
        """Lock what was loaded of the tables that operations change, and what is about to be `written`.

        In one order for all. False when any of it, or of the rows `assumed` from earlier transactions, is not what it
        was any more: then load it again.
        """

    def version(self, kind: type[Row], key: Key) -> int:
        """Of a row that this transaction has read or written; for `confirm` of a later one."""

    async def fetch(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        """Run a statement; its rows as sequences of plain values."""

    async def run(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that gives no rows."""

    async def fetch_rows(
        self, kind: type[Row], statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> list[Any]:
        """Run a statement that gives the whole table's columns; its rows as values."""

    async def write(self, changes: Sequence[Changes]) -> None:
        """Write rows in bulk. Those of a feed that have no position get the next ones, in key order.

        From then on until the commit no other transaction gets any: positions become visible in their order.
        """

    async def commit(self) -> None:
        """Make it durable."""


class Engine(Protocol):
    """A database. `close` it at the end."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Begin; the only one of this process where the database has one writer."""

    async def read(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        """Run a short query outside of transactions; rows as sequences of plain values."""

    async def scan(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        """The same for a query over whole tables."""

    async def rows(
        self, kind: type[Row], statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> list[Any]:
        """A query that selects the whole table's columns; the rows as values."""

    async def by_ids(self, kind: type[Row], ids: Sequence[str]) -> list[Any]:
        """The rows of a kind with these ids, read as `rows` does."""

    async def close(self) -> None:
        """Give the connections back."""
