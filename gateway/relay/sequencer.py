"""Merges what is logged of ownership into the tree (OLG-002), soon after it was committed."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

BATCH = 2000  # entries of one transaction


class Tree(Protocol):
    """The log in the books."""

    async def merge(self, now: datetime, limit: int) -> int:
        """Give waiting entries their places; how many."""


class Sequencer:
    """Safe to run in every replica: the database lets one merge at a time."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    async def run_once(self, now: datetime) -> int:
        """Merge a batch; how many entries."""
        return await self._tree.merge(now, BATCH)

    async def settle(self, now: datetime) -> None:
        """Go on until nothing waits."""
        while await self.run_once(now):
            pass
