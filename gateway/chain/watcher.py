"""Reads a contract's transfers, block by block, as far as no reorganisation is reckoned with (TOK-007)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from gateway.chain.erc721 import Erc721Supplier
from gateway.core import tokens
from gateway.core.model import Call
from gateway.core.ports import Books

T = TypeVar("T")
STEP = 1000  # blocks that a node is asked for at once


class Writer(Protocol):
    """Runs a rule in a transaction."""

    async def run(self, operation: Callable[[Books], T]) -> T: ...


class TransferWatcher:
    """Safe to run in every replica: the mark says what has been read, and moves with what was read."""

    def __init__(
        self, suppliers: Sequence[Erc721Supplier], writer: Writer, call: Callable[[datetime], Call]
    ) -> None:
        """`call` is what the gateway does by itself."""
        self._suppliers = suppliers
        self._writer = writer
        self._call = call

    async def run_once(self, now: datetime) -> int:
        """Read on, at most a step of each contract; how many transfers there were.

        A node that is away keeps nobody from reading the others. What it raised is raised then.
        """
        reads = (self._read(one, now) for one in self._suppliers)
        found = await asyncio.gather(*reads, return_exceptions=True)
        for one in found:
            if isinstance(one, BaseException):
                raise one
        return sum(one for one in found if isinstance(one, int))

    async def _read(self, supplier: Erc721Supplier, now: datetime) -> int:
        contract, sure = supplier.contract, await supplier.sure_block()
        mark = await self._writer.run(lambda books: tokens.mark_of(books, contract, sure))
        first, last = mark + 1, min(sure, mark + STEP)
        if last < first:
            return 0
        moved, call = await supplier.moved(first, last), self._call(now)
        await self._writer.run(lambda books: tokens.note_moved(books, call, contract, first, last, moved))
        return len(moved)
