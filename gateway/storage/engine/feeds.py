"""Positions in the feeds of offers and events, given while a flight writes: every row that is stored has one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.core.model import Row
from gateway.storage.engine.base import Changes


def unplaced(changes: Sequence[Changes]) -> int:
    """How many of these rows need a position."""
    return sum(
        row.position is None  # type: ignore[attr-defined]
        for change in changes
        for rows in (change.inserts, change.updates, change.upserts)
        for row in rows
    )


def placed(rows: Sequence[Row], dumped: Sequence[Any], place: int, base: int) -> int:
    """Put the positions after `base` into the rows' plain values at `place`; the last one that was given."""
    for row, values in zip(rows, dumped, strict=True):
        if row.position is None:  # type: ignore[attr-defined]
            base += 1
            values[place] = base
    return base
