"""The log of ownership in the database: entries are merged into the tree, and proofs are read from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, text

from gateway.core import log_tiles, merkle
from gateway.core.log_tiles import Tile
from gateway.core.model_ownership_log import LogEntry, LogHead, LogTile
from gateway.core.rows import replace
from gateway.storage.engine.base import Changes, Engine, Lookup, Transaction, Wanted
from gateway.storage.tables_ownership import log_entries, log_heads

# The head of the empty tree is there from the start, and is the lock: who has it is the only one that merges.
LOCK = select(log_heads.c.tree_size).where(log_heads.c.tree_size == 0).with_for_update()
HEAD = select(log_heads).order_by(log_heads.c.tree_size.desc()).limit(1)
# written out, so that SQLite takes the partial index
_UNMERGED = text("leaf_index IS NULL")
ANY_WAITING = select(log_entries.c.id).where(_UNMERGED).limit(1)
WAITING = select(log_entries).where(_UNMERGED).order_by(log_entries.c.position).limit(bindparam("limit"))
ENTRIES = (
    select(log_entries)
    .where(log_entries.c.leaf_index >= bindparam("start"))
    .order_by(log_entries.c.leaf_index)
    .limit(bindparam("limit"))
)
BY_HASH = select(log_entries).where(log_entries.c.leaf_hash == bindparam("leaf_hash"))


class OwnershipLog:
    """The tree, as far as entries are merged. Everything it tells stays true: the tree only grows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def merge(self, now: datetime, limit: int) -> int:
        """Give the oldest waiting entries, at most `limit`, their places; how many. One at a time over all processes:
        others wait. Either all of it happens or nothing."""
        if not await self._engine.read(ANY_WAITING):
            return 0  # without a lock, as almost always
        async with self._engine.transaction() as transaction:
            await transaction.fetch(LOCK)
            waiting: list[LogEntry] = await transaction.fetch_rows(LogEntry, WAITING, {"limit": limit})
            if not waiting:
                return 0
            (head,) = await transaction.fetch_rows(LogHead, HEAD)
            await transaction.write(await _grown(transaction, head, waiting, now))
            await transaction.commit()
        return len(waiting)

    async def head(self) -> LogHead:
        """What the log is now."""
        (head,) = await self._engine.rows(LogHead, HEAD)
        return head  # type: ignore[no-any-return]

    async def entries(self, start: int, limit: int) -> Sequence[LogEntry]:
        """Entries in the order of the tree, from a place on."""
        return await self._engine.rows(LogEntry, ENTRIES, {"start": start, "limit": limit})

    async def inclusion(self, leaf_hash: bytes, size: int) -> tuple[int, list[bytes]] | None:
        """The place of an entry and the proof that the tree of this size has it; None if it has not, or was never."""
        found: list[LogEntry] = await self._engine.rows(LogEntry, BY_HASH, {"leaf_hash": leaf_hash})
        index = found[0].leaf_index if found else None
        if index is None or index >= size or size > (await self.head()).tree_size:
            return None
        return index, await self._prove(merkle.inclusion(index, size))

    async def consistency(self, first: int, second: int) -> list[bytes] | None:
        """The proof that the tree of `first` leaves is the beginning of the other; None if there was none so large."""
        if second > (await self.head()).tree_size:
            return None
        return await self._prove(merkle.consistency(first, second))

    async def _prove(self, spans: Sequence[merkle.Span]) -> list[bytes]:
        wanted = {log_tiles.tile_of(node) for node in merkle.needed(spans)}
        rows = await self._engine.by_ids(LogTile, _ids(wanted)) if wanted else []
        return merkle.prove(spans, log_tiles.node_in(_tiles(rows)))


async def _grown(
    transaction: Transaction, head: LogHead, waiting: Sequence[LogEntry], now: datetime
) -> list[Changes]:
    """What is to be written for the tree to have these entries too."""
    size, edge = head.tree_size, log_tiles.edge(head.tree_size)
    lookup = Lookup(LogTile, LogTile.KEY, [(one,) for one in _ids(edge)])
    rows = (await transaction.load(Wanted([lookup]))).lookups[0] if edge else []
    known = _tiles(rows)
    changed = log_tiles.extend(known, size, [one.leaf_hash for one in waiting])
    after = size + len(waiting)
    root = log_tiles.root({**known, **changed}, after)
    placed = [replace(one, leaf_index=place) for place, one in enumerate(waiting, size)]
    tiles = [LogTile(*pair) for pair in zip(_ids(changed), changed.values(), strict=True)]
    return [
        Changes(LogEntry, updates=placed),
        Changes(LogTile, upserts=tiles),
        Changes(LogHead, inserts=[LogHead(after, root, now)]),
    ]


def _ids(tiles: Iterable[Tile]) -> list[str]:
    return [f"{level}.{number}" for level, number in tiles]


def _tiles(rows: Iterable[Any]) -> dict[Tile, bytes]:
    found = {}
    for row in rows:
        level, _, number = row.id.partition(".")
        found[(int(level), int(number))] = row.hashes
    return found
