"""Stories of the offer feed."""

from __future__ import annotations

import asyncio

from conformance import timing
from conformance.driver.gateway_client import GatewaySession
from conformance.driver.shop import Json, Shop
from conformance.model import scenario
from conformance.transcript import Exchange

NEW = {"amount": 777, "currency": "EUR"}


@scenario("feed", role="gateway")
async def feed(s: GatewaySession) -> None:
    """Five offers, read by cursor; then one changes, one goes, one is deleted, one sells out."""
    shop = await s.shop()
    offers = [await shop.offer(f"offer {n}", quantity=2) for n in range(5)]
    s.transcript.note("offers", [o["id"] for o in offers])
    await _shown(shop, {o["id"] for o in offers})
    seen = await shop.pages("list_offers", "first reading", 2)
    for offer in offers:
        await shop.do("get_offer", "one offer", path={"offer_id": offer["id"]})
    cursor = _cursor(seen[-1].answer)
    await s.change(offers[0], "price changes", price=NEW)
    await s.change(offers[1], "withdrawn", withdrawn=True)
    await s.change(offers[2], "deleted", deleted=True)
    await shop.order(offers[3], "sells out", 2)
    s.transcript.note("changed", [o["id"] for o in offers[:4]])
    missing = {o["id"] for o in offers[:4]}
    cursor = await _read_until(shop, "since the changes", cursor, missing)
    await _read_on(shop, "since the first page", _cursor(seen[0].answer))
    await _read_on(shop, "nothing new", cursor)
    for number in (0, 2, 3):
        await shop.do("get_offer", f"offer {number} after", path={"offer_id": offers[number]["id"]})


def _cursor(answer: Json, before: str = "none") -> str:
    return str(answer.get("next_cursor") or before)


def _ids(page: Exchange) -> set[object]:
    found = page.answer.get("items")
    return (
        {one.get("offer_id") for one in found if isinstance(one, dict)} if isinstance(found, list) else set()
    )


async def _shown(shop: Shop, ids: set[str]) -> None:
    """Wait until the feed shows all of these: it may follow a little behind."""
    for _ in range(int(timing.EVENT_PATIENCE / 2 / timing.POLL)):
        pages = await shop.pages("list_offers", "settling", 500)
        if pages[-1].status != 200 or ids <= set().union(*map(_ids, pages)):
            return
        await asyncio.sleep(timing.POLL)


async def _read_until(shop: Shop, label: str, cursor: str, missing: set[str]) -> str:
    """Read on from the cursor until all these were shown, and a little behind is no fault."""
    for _ in range(int(timing.EVENT_PATIENCE / 2 / timing.POLL)):
        before = len(shop.session.transcript.exchanges)
        cursor = await _read_on(shop, label, cursor)
        for page in shop.session.transcript.exchanges[before:]:
            if page.label == label:
                missing = missing - _ids(page)
        if not missing:
            break
        await asyncio.sleep(timing.POLL)
    return cursor


async def _read_on(shop: Shop, label: str, cursor: str) -> str:
    for _ in range(20):
        page = await shop.do("list_offers", label, params={"limit": "3", "cursor": cursor})
        cursor = _cursor(page.answer, cursor)
        if page.status != 200 or not page.answer.get("has_more"):
            break
    return cursor


@scenario("feed_race", role="gateway")
async def feed_race(s: GatewaySession) -> None:
    """Prices change in many places at once while the feed is read on; at the end no change may be missing."""
    shop = await s.shop()
    offers = [await shop.offer(f"offer {n}", quantity=3) for n in range(6)]
    cursor = await _read_on(shop, "before", _cursor((await shop.do("list_offers", "start")).answer))
    done = asyncio.Event()

    async def read() -> None:
        nonlocal cursor
        while not done.is_set():
            cursor = await _read_on(shop, "meanwhile", cursor)

    reader = asyncio.create_task(read())
    async with asyncio.TaskGroup() as together:
        for number in range(24):
            price = {"amount": 1000 + number, "currency": "EUR"}
            together.create_task(s.change(offers[number % 6], "price changes", price=price))
    done.set()
    await reader
    await _read_on(shop, "meanwhile", cursor)
    await asyncio.sleep(timing.BEHIND)
    await _read_on(shop, "meanwhile", cursor)
    for offer in offers:
        await shop.do("get_offer", "at the end", path={"offer_id": offer["id"]})
