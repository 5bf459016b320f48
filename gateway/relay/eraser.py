"""Takes buyers out of what the books keep: those who were erased, and those whose data has been kept long enough."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from gateway.core import erasure as rules
from gateway.core import retention
from gateway.core.model_consent import Erasure
from gateway.core.ports import Books
from gateway.relay.ports import Writer
from gateway.relay.sweeper import own_call

log = logging.getLogger(__name__)
BATCH = 200
LOOK_EVERY = timedelta(hours=1)  # for what has been kept long enough
Forget = Callable[[Books, str, str, datetime], bool]
FORGET: dict[str, Forget] = {"fulfilment": rules.forget_order, "fraud_prevention": rules.forget_hold}


class Erasing(Protocol):
    """What there is to forget (gateway/storage/erasing.py)."""

    async def open(self) -> Sequence[Erasure]: ...
    async def orders(self, erasure: Erasure, limit: int) -> Sequence[str]: ...
    async def holds(self, erasure: Erasure, limit: int) -> Sequence[str]: ...
    async def left(self, erasure: Erasure) -> bool: ...
    async def scrub_events(self, names: Mapping[str, str], at: datetime | None = None) -> None: ...
    async def clear(self, erasure: Erasure) -> None: ...
    async def uncount(self, erasure: Erasure) -> None: ...
    async def old(self, purpose: str, before: datetime, limit: int) -> Sequence[str]: ...
    async def count_old(self, purpose: str, before: datetime) -> int: ...
    async def forget_records(self, before: datetime) -> None: ...


class Eraser:
    """Safe to run in every replica and to begin again: what is done once is not found any more."""

    def __init__(self, erasing: Erasing, writer: Writer, days: Mapping[str, int] = retention.DAYS) -> None:
        self._erasing = erasing
        self._writer = writer
        self._days = dict(days)
        self._looked_at: datetime | None = None

    async def run_once(self, now: datetime) -> int:
        """Finish what was left in the middle, and once an hour forget what is old; how many rows it were."""
        for erasure in await self._erasing.open():
            try:
                await self.finish(erasure, now)
            except Exception:  # what cannot be finished must not keep all others from it
                log.exception("an erasure could not be finished", extra={"row_id": erasure.id})
        if self._looked_at is not None and now - self._looked_at < LOOK_EVERY:
            return 0
        self._looked_at = now
        return sum((await self.forget_old(now)).values())

    async def finish(self, erasure: Erasure, now: datetime) -> None:
        """Do all that an erasure has still to do. What came under way at the same instant is waited for: the erasure
        stays open, and the job comes again."""
        if erasure.subject is None:
            return
        # first, so that who begins anew under the same name finds nothing of it, however many orders there are
        await self._erasing.scrub_events({erasure.account_id: erasure.pseudonym}, erasure.at)
        await self._erasing.clear(erasure)
        for find, forget in (
            (self._erasing.orders, rules.forget_order),
            (self._erasing.holds, rules.forget_hold),
        ):
            await self._all(partial(find, erasure), forget, erasure.at, erasure.pseudonym)
        await self._erasing.uncount(erasure)
        if await self._erasing.left(erasure):
            return
        call = own_call(now)
        await self._writer.run(lambda books: rules.finish(books, call, erasure.id))

    async def forget_old(self, now: datetime, dry_run: bool = False) -> dict[str, int]:
        """Forget what has been kept long enough; how many rows of each purpose it is. With `dry_run` only count."""
        old = {purpose: retention.before(self._days, purpose, now) for purpose in self._days}
        if dry_run:
            return {purpose: await self._erasing.count_old(purpose, old[purpose]) for purpose in old}
        found = {}
        for purpose, forget in FORGET.items():
            find = partial(self._erasing.old, purpose, old[purpose])
            found[purpose] = await self._all(find, forget, old[purpose], None)
        before = old["consent_records"]
        found["consent_records"] = await self._erasing.count_old("consent_records", before)
        if found["consent_records"]:
            await self._erasing.forget_records(before)
        return found

    async def _all(
        self,
        find: Callable[[int], Awaitable[Sequence[str]]],
        forget: Forget,
        by: datetime,
        pseudonym: str | None,
    ) -> int:
        """Batch by batch, until there is none or nothing of one could be forgotten; how many rows it were."""
        count = 0
        while ids := await find(BATCH):
            forgotten = await self._forget(forget, ids, by, pseudonym)
            count += forgotten
            if not forgotten:
                break
        return count

    async def _forget(self, forget: Forget, ids: Sequence[str], by: datetime, pseudonym: str | None) -> int:
        """All of a batch together. Without a pseudonym each row gets its own: nobody asks any more which of them were
        one buyer's; and what cannot be forgotten must not keep all others from it."""
        names = {one: pseudonym or rules.PREFIX + one.partition("_")[2] for one in ids}
        try:
            return await self._forget_together(forget, names, by, alone=pseudonym is None)
        except Exception as error:
            if pseudonym:
                raise
            if len(ids) == 1:
                log.error("what is old could not be forgotten", exc_info=error)
                return 0
        return sum([await self._forget(forget, [one], by, None) for one in ids])

    async def _forget_together(
        self, forget: Forget, names: Mapping[str, str], by: datetime, alone: bool
    ) -> int:
        def one(row_id: str, name: str) -> Awaitable[bool]:
            return self._writer.run(lambda books: forget(books, row_id, name, by))

        # events first: what was forgotten is not found again; and after it, what was told in between
        await self._erasing.scrub_events(names)
        work = [one(*named) for named in names.items()]  # side by side, so that they share a flight
        done = await asyncio.gather(*work, return_exceptions=True)
        ended = zip(names.items(), done, strict=True)
        gone = {row_id: name for (row_id, name), forgotten in ended if forgotten is True}
        await self._erasing.scrub_events(gone)
        failed = [one for one in done if isinstance(one, BaseException)]
        if failed and not alone:
            raise failed[0]
        for error in failed:
            log.error("what is old could not be forgotten", exc_info=error)
        return len(gone)
