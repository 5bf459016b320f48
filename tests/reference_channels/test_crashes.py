"""The process dies around every single write of a purchase; the next one loses nothing and doubles nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.reference_channels.conftest import TEST_SECRET, RunningShop, running_shop
from tests.reference_channels.scripted import ScriptedGateway

# More than a purchase has; the last ones show that it comes through without a crash.
WRITES = 16


class Crash(Exception):
    """Nothing is done any more from here on."""


def crash_at(shop: RunningShop, number: int, before: bool) -> Callable[[], bool]:
    """Let the shop's transaction with this number be its last: never begun, or committed and nobody told.

    Answers whether it has come to that.
    """
    run, count = shop.parts.db.run, 0

    async def failing(work: Callable[[sqlite3.Connection], Any]) -> Any:
        nonlocal count
        count += 1
        if count > number or (before and count == number):
            raise Crash
        result = await run(work)
        if count == number:
            raise Crash
        return result

    shop.parts.db.run = failing  # type: ignore[method-assign]
    return lambda: count >= number


async def press(shop: RunningShop, offer: dict[str, Any]) -> dict[str, Any] | None:
    """Press the button; None when the shop is dead."""
    body = {"intent_id": "one", "offer_id": offer["id"], "quantity": 1, "buyer_reference": "ada"}
    url = f"{shop.url}/vgcp/v1/test/purchases"
    async with shop.http.post(url, json=body, headers={"VGCP-Test-Secret": TEST_SECRET}) as answer:
        return await answer.json() if answer.status == 200 else None


@pytest.mark.parametrize("before", [True, False], ids=["before the write", "after the write"])
@pytest.mark.parametrize("number", range(1, WRITES + 1))
async def test_a_crash_anywhere_is_survived(
    gateway: ScriptedGateway, tmp_path: Path, number: int, before: bool
) -> None:
    """One order under one key, one code, paid once; and no hold is left behind."""
    offer = gateway.add()
    async with running_shop(tmp_path, gateway.url, sync_every=3600, worker_pause=3600) as shop:
        await shop.sync()
        crashed = crash_at(shop, number, before)
        seen = await press(shop, offer)
        assert crashed() or (seen or {})["outcome"] == "fulfilled"
    async with running_shop(tmp_path, gateway.url, sync_every=3600, worker_pause=0.02) as shop:
        for _ in range(200):
            seen = await press(shop, offer)
            if seen and seen["outcome"] == "fulfilled":
                break
            await asyncio.sleep(0.05)
        intent = await shop.parts.purchases.find("one")
    assert seen is not None
    assert seen["outcome"] == "fulfilled", seen
    assert len(seen["goods_shown"]) == len(gateway.orders) == 1
    assert len({call.headers["Idempotency-Key"] for call in gateway.made("create_order")}) == 1
    assert [hold["status"] for hold in gateway.holds.values()] == ["consumed"]
    assert intent is not None
    assert intent.payment == "collected"


@pytest.mark.parametrize("number", range(1, WRITES + 1))
async def test_a_buyer_who_does_not_come_back_leaves_nothing_open(
    gateway: ScriptedGateway, tmp_path: Path, number: int
) -> None:
    """After the crash the worker alone settles it: delivered if it was paid, and else the stock is given back."""
    offer = gateway.add()
    async with running_shop(tmp_path, gateway.url, sync_every=3600, worker_pause=3600) as shop:
        await shop.sync()
        crash_at(shop, number, before=False)
        await press(shop, offer)
    async with running_shop(tmp_path, gateway.url, sync_every=3600, worker_pause=0.02) as shop:
        await shop.control("POST", "/clock", {"advance_seconds": 3600})
        intent = await shop.parts.purchases.find("one")
    assert intent is None or (intent.state, intent.payment) in {
        ("fulfilled", "collected"),
        ("closed", "none"),
    }
    assert "active" not in {hold["status"] for hold in gateway.holds.values()}
    assert len(gateway.orders) == (1 if intent and intent.state == "fulfilled" else 0)
