"""Reads by id that come together are one query, and each gets its own row or its own failure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.core.model import Offer, Row
from gateway.storage.engine.base import Unreachable
from gateway.storage.joining import JoinedReads
from tests.storage.world import Shop


async def test_what_comes_together_is_read_together(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """One query for the first, one for all that came meanwhile; what is not there is None; changes are seen."""
    offers = [await shop.offer(quantity=1) for _ in range(3)]
    engine, asked = shop.store.engine, list[list[str]]()
    real = engine.by_ids

    async def counted(kind: type[Row], ids: Sequence[str]) -> list[Any]:
        asked.append(list(ids))
        await asyncio.sleep(0.01)
        return await real(kind, ids)

    monkeypatch.setattr(engine, "by_ids", counted)
    reads = JoinedReads(engine, Offer)
    first = asyncio.create_task(reads.get(offers[0].id))
    await asyncio.sleep(0.005)
    wanted = [offers[1].id, offers[2].id, offers[1].id, "off_nowhere"]
    others = await asyncio.gather(*(reads.get(row_id) for row_id in wanted))
    assert asked == [[offers[0].id], [offers[1].id, offers[2].id, "off_nowhere"]]
    first_row = await first
    assert first_row is not None
    assert first_row.id == offers[0].id
    assert [row.id if row else None for row in others] == [*wanted[:3], None]


async def test_a_failure_is_told_to_who_waits_and_forgotten(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has gone away is not missed, and the next read works."""
    offer, engine = await shop.offer(quantity=1), shop.store.engine
    real = engine.by_ids

    async def broken(_kind: type[Row], _ids: Sequence[str]) -> list[Any]:
        await asyncio.sleep(0.01)
        raise Unreachable("gone")

    monkeypatch.setattr(engine, "by_ids", broken)
    reads = JoinedReads(engine, Offer)
    gone, waiting = asyncio.create_task(reads.get(offer.id)), asyncio.create_task(reads.get(offer.id))
    await asyncio.sleep(0.001)
    gone.cancel()
    with pytest.raises(Unreachable):
        await waiting
    monkeypatch.setattr(engine, "by_ids", real)
    again = await reads.get(offer.id)
    assert again is not None
    assert again.id == offer.id
