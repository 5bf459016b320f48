"""More of the values the books are kept in (see model.py): the log of changes of ownership, a Merkle tree."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from gateway.core.rows import Row, row


@row
class LogEntry(Row):
    """One change of ownership. `leaf` is the text that is hashed and published; it never changes.

    `position` is that of the feeds, so entries are in the order of their commits. `leaf_index` is the entry's place in
    the tree; None until the sequencer has merged it.
    """

    id: str
    entitlement_id: str
    leaf: str
    leaf_hash: bytes
    at: datetime
    position: int | None = None
    leaf_index: int | None = None


@row
class LogTile(Row):
    """Up to 256 hashes of the tree, one after the other: see core/log_tiles.py. `id` is `level.number`."""

    id: str
    hashes: bytes


@row
class LogHead(Row):
    """What the tree was when it had so many leaves. One of a size, for ever."""

    KEY: ClassVar[tuple[str, ...]] = ("tree_size",)

    tree_size: int
    root_hash: bytes
    at: datetime
