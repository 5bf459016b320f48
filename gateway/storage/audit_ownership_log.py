"""Whether the log of ownership is what its heads say: every leaf in its place, and the roots over them."""

from __future__ import annotations

from sqlalchemy import bindparam, func, select

from gateway.core import merkle
from gateway.core.model_ownership_log import LogEntry, LogHead
from gateway.storage.engine.base import Engine
from gateway.storage.tables_ownership import log_entries, log_heads

Wrong = tuple[str, str, int, int]
PAGE = 5000
HEADS = select(log_heads).order_by(log_heads.c.tree_size)
ENTRIES = (
    select(log_entries)
    .where(log_entries.c.leaf_index >= bindparam("start"), log_entries.c.leaf_index < bindparam("end"))
    .order_by(log_entries.c.leaf_index)
    .limit(PAGE)
)

# in one statement, which sees either all of a merge or nothing
BEYOND = (
    select(func.count())
    .select_from(log_entries)
    .where(log_entries.c.leaf_index >= select(func.max(log_heads.c.tree_size)).scalar_subquery())
)


async def misplaced(engine: Engine) -> list[Wrong]:
    """(about what, what, as it should be, as it is), for each that is wrong. Reads the log, page by page, as far as it
    goes at the beginning: it may grow meanwhile."""
    heads: dict[int, LogHead] = {head.tree_size: head for head in await engine.rows(LogHead, HEADS)}
    found: list[Wrong] = []
    stack: list[tuple[int, bytes]] = []  # complete subtrees, the largest first, with their sizes
    size, largest = 0, max(heads, default=0)
    while page := await engine.rows(LogEntry, ENTRIES, {"start": size, "end": largest}):
        for entry in page:
            if entry.leaf_index != size or merkle.leaf_hash(entry.leaf.encode()) != entry.leaf_hash:
                return [*found, (entry.id, "the entry's place and hash", size, entry.leaf_index)]
            _add(stack, entry.leaf_hash)
            size += 1
            if size in heads and heads[size].root_hash != merkle.root_of([one for _, one in stack]):
                found.append((f"tree of {size} entries", "heads with the root over its entries", 1, 0))
    if largest != size:
        found.append(("the log", "entries of the largest tree", size, largest))
    if beyond := int((await engine.scan(BEYOND))[0][0]):
        found.append(("the log", "entries that no tree has", 0, beyond))
    return found


def _add(stack: list[tuple[int, bytes]], leaf: bytes) -> None:
    stack.append((1, leaf))
    while len(stack) > 1 and stack[-1][0] == stack[-2][0]:
        (width, right), (_, left) = stack.pop(), stack.pop()
        stack.append((2 * width, merkle.node_hash(left, right)))
