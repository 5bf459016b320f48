"""One transaction in PostgreSQL.

A flight reads without locks first, so it holds none while it finds out what it needs. `confirm` then locks all of it in
one order that is the same for every flight, and says what has changed since. What turns out to be needed later is
locked without waiting. So no two flights wait for each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

from sqlalchemy import Executable

from gateway.core.model import Reservation, Row, Unit
from gateway.storage.engine.base import Changes, Key, Loaded, Lookup, Versions, Wanted
from gateway.storage.engine.codec import key_getters
from gateway.storage.engine.feeds import placed, unplaced
from gateway.storage.engine.postgresql_failures import failures
from gateway.storage.engine.postgresql_statements import KEYS, NUMBER, arrays, parameters
from gateway.storage.engine.prepared import same
from gateway.storage.tables import FEEDS, LOCKED, TABLES, WATCHED

if TYPE_CHECKING:
    from gateway.storage.engine.postgresql import PostgresqlEngine

KEY_OF = key_getters()


class PostgresqlTransaction:
    """Read committed; remembers the version of each row it has read. It begins when something is to be kept so."""

    stamp = None

    def __init__(self, engine: PostgresqlEngine, link: Any) -> None:
        self._engine = engine
        self._link = link
        self._begun = False
        self._own = 0
        self._versions: defaultdict[type[Row], dict[Key, int]] = defaultdict(dict)
        self._written: Mapping[type[Row], Set[Key]] = {}
        self._locked: defaultdict[type[Row], set[Key]] = defaultdict(set)

    async def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            await self._link.execute("BEGIN")

    async def load(self, wanted: Wanted) -> Loaded:
        loaded = Loaded()
        with failures():
            for lookup in wanted.lookups:
                loaded.lookups.append(await self._lookup(lookup))
            if wanted.units:
                loaded.units.extend(await self._units(wanted))
            if wanted.due:
                loaded.due.extend(await self._due(wanted))
        return loaded

    async def _lookup(self, lookup: Lookup) -> list[Row]:
        statements = self._engine.statements
        sql = statements.lookup(lookup.kind, lookup.columns)
        texts = statements.texts(lookup.kind, lookup.columns)
        records = await self._link.fetch(sql, *parameters([(lookup.values, texts)]))
        return self._remember(lookup.kind, records) if records else []

    def _remember(self, kind: type[Row], records: Sequence[Any]) -> list[Row]:
        """Values of records whose last column is the version."""
        load = self._engine.codecs[kind].load
        rows = [load(tuple(record)[:-1]) for record in records]
        versions, key_of = self._versions[kind], KEY_OF[kind]
        for row, record in zip(rows, records, strict=True):
            versions.setdefault(key_of(row), record[-1])
        return rows

    async def _units(self, wanted: Wanted) -> list[list[Unit]]:
        sought = [(want.stock_id, want.after, want.count) for want in wanted.units]
        records = await self._link.fetch(self._engine.statements.units, *arrays(sought, 3))
        found: defaultdict[str, list[Unit]] = defaultdict(list)
        for record in records:
            unit = Unit(*record)
            found[unit.stock_id].append(unit)
        return [found[want.stock_id] for want in wanted.units]

    async def _due(self, wanted: Wanted) -> list[list[Reservation]]:
        sought = [(want.stock_id, want.now, want.count) for want in wanted.due]
        records = await self._link.fetch(self._engine.statements.due, *arrays(sought, 3))
        found: dict[str, list[Any]] = {}
        for row in self._remember(Reservation, records):
            found.setdefault(row.stock_id, []).append(row)  # type: ignore[attr-defined]
        return [found.get(want.stock_id, []) for want in wanted.due]

    async def confirm(
        self, written: Mapping[type[Row], Set[Key]], assumed: Mapping[type[Row], Versions]
    ) -> bool:
        self._written = written
        for kind, versions in assumed.items():
            self._versions[kind].update(versions)
        wanted: dict[type[Row], list[Key]] = {}
        for kind in TABLES:
            known = self._versions.get(kind)
            if not known:
                continue
            keys = known.keys() if kind in WATCHED else known.keys() & written.get(kind, set())
            keys = keys - self._locked[kind]
            if keys:
                wanted[kind] = sorted(keys)
        return await self._lock(wanted) if wanted else True

    async def _lock(self, wanted: dict[type[Row], list[Key]]) -> bool:
        """Lock these; forget the versions of those that are not what they were."""
        statements = self._engine.statements
        sql = statements.confirm(tuple(wanted), not self._begun)
        given = parameters([(keys, statements.texts(kind, kind.KEY)) for kind, keys in wanted.items()])
        with failures():
            await self._begin()
            records = await self._link.fetch(sql, *given)
        found: list[dict[Key, int]] = [{} for _ in wanted]
        widths = [1 + len(kind.KEY) for kind in wanted]
        for record in records:
            place = record[0]
            found[place][tuple(record)[1 : widths[place]]] = record[1 + KEYS]
        unchanged = True
        for (kind, keys), now in zip(wanted.items(), found, strict=True):
            versions = self._versions[kind]
            if kind in LOCKED:
                self._locked[kind].update(now)
            for key in keys:
                if now.get(key) != versions[key]:
                    del versions[key]
                    unchanged = False
        return unchanged

    def version(self, kind: type[Row], key: Key) -> int:
        return self._own if key in self._written.get(kind, ()) else self._versions[kind][key]

    async def fetch(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        sql, values = self._engine.prepared.bind(statement, parameters, same)
        with failures():
            await self._begin()
            return list(await self._link.fetch(sql, *values))

    async def run(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> None:
        await self.fetch(statement, parameters)

    async def fetch_rows(
        self, kind: type[Row], statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> list[Any]:
        load = self._engine.codecs[kind].load
        return [load(values) for values in await self.fetch(statement, parameters)]

    async def write(self, changes: Sequence[Changes]) -> None:
        with failures():
            await self._begin()
            await self._put([change for change in changes if change.kind not in FEEDS])
            fed = [change for change in changes if change.kind in FEEDS]
            base = 0
            if count := unplaced(fed):
                base = await self._link.fetchval(NUMBER, count)
            await self._put(fed, base)

    async def _put(self, changes: Sequence[Changes], base: int = 0) -> None:
        """Several tables in one statement; `base` is the last position of the feeds that is taken."""
        parts: list[tuple[str, type[Row]]] = []
        tables: list[tuple[Sequence[Any], tuple[bool, ...]]] = []
        statements = self._engine.statements
        for change in changes:
            codec = self._engine.codecs[change.kind]
            for rows, verb in (
                (change.inserts, "insert"),
                (change.updates, "update"),
                (change.upserts, "upsert"),
            ):
                if rows:
                    names, dump = codec.shape(verb)
                    dumped = [dump(row) for row in rows]
                    if change.kind in FEEDS:
                        base = placed(rows, dumped, names.index("position"), base)
                    parts.append((verb, change.kind))
                    tables.append((dumped, statements.texts(change.kind, names)))
        if parts:
            self._own = await self._link.fetchval(statements.write(tuple(parts)), *parameters(tables))

    async def commit(self) -> None:
        if self._begun:
            with failures():
                await self._link.execute("COMMIT")
