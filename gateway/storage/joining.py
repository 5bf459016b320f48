"""Concurrent reads of rows by id, joined into one query: what is wanted while one is out forms the next."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from itertools import islice
from typing import Generic, TypeVar

from gateway.core.model import Row
from gateway.storage.engine.base import Engine

R = TypeVar("R", bound=Row)
MOST = 256  # ids in one query


class JoinedReads(Generic[R]):
    """Rows of one kind, each as it is stored when it is read."""

    def __init__(self, engine: Engine, kind: type[R]) -> None:
        self._engine = engine
        self._kind = kind
        self._wanted: defaultdict[str, list[asyncio.Future[R | None]]] = defaultdict(list)
        self._task: asyncio.Task[None] | None = None

    async def get(self, row_id: str) -> R | None:
        """The row with this id. Raises DatabaseFailure."""
        future: asyncio.Future[R | None] = asyncio.get_running_loop().create_future()
        self._wanted[row_id].append(future)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain(), name="joined-reads")
        return await future

    async def _drain(self) -> None:
        while self._wanted:
            batch = {row_id: self._wanted.pop(row_id) for row_id in list(islice(self._wanted, MOST))}
            found: dict[str, R] = {}
            failure: Exception | None = None
            try:
                found = {row.id: row for row in await self._engine.by_ids(self._kind, list(batch))}
            except Exception as error:  # whoever waits is told, and nobody else
                failure = error
            for row_id, futures in batch.items():
                for future in futures:
                    if future.done():
                        continue
                    if failure is not None:
                        future.set_exception(failure)
                    else:
                        future.set_result(found.get(row_id))
