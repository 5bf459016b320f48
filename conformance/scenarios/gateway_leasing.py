"""Stories of leases: stock that a channel sells while it is cut off, and reports afterwards."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from conformance import timing
from conformance.driver.gateway_client import GatewaySession, settled
from conformance.driver.shop import EUR, Json, Shop, sale, word
from conformance.model import scenario
from conformance.scenarios.gateway_waiting import until
from conformance.transcript import Exchange

story = partial(scenario, role="gateway", capability="allotments")
LONG = timing.LEASE_LIFE.seconds
DEARER = {"amount": EUR["amount"] + 500, "currency": "EUR"}


async def _offer(shop: Shop, **wish: Any) -> Json:
    return await shop.offer(consistency="allotment", **wish)


async def _lease(shop: Shop, offer: Json, label: str, quantity: int, **wish: Any) -> Exchange:
    body = {"offer_id": offer["id"], "quantity": quantity, **wish}
    return await shop.do("create_allotment", label, body=body)


async def _leased(shop: Shop, offer: Json, label: str, quantity: int, **wish: Any) -> Json:
    """Where the lease is, for `path`."""
    body = {"offer_id": offer["id"], "quantity": quantity, **wish}
    made = await shop.must("create_allotment", label, body=body)
    return {"allotment_id": str(made.get("id", "none")), "expires_at": made.get("expires_at")}


async def _report(shop: Shop, at: Json, label: str, *sales: Json) -> Exchange:
    return await shop.do("report_sales", label, path=_path(at), body={"sales": list(sales)})


def _path(at: Json) -> dict[str, str]:
    return {"allotment_id": at["allotment_id"]}


@story("leases")
async def leases(s: GatewaySession) -> None:
    """Four of six leased, the rest sold to others; one released, then too many."""
    shop, codes = await s.shop(), s.codes(6)
    s.transcript.note("client", shop.id)
    offer = await _offer(shop, codes=codes)
    await s.stock(offer, "stock before")
    reference = word("lease")
    s.transcript.note("reference", reference)
    at = await _leased(shop, offer, "lease", 4, reference=reference, ttl_seconds=LONG)
    await shop.do("get_jwks", "keys", token="")
    await s.stock(offer, "stock leased")
    await _lease(shop, offer, "lease of too many", 7, reference=word("lease"), ttl_seconds=LONG)
    await s.stock(offer, "stock after refusal")
    await shop.order(offer, "order of what is leased", 3)
    await shop.order(offer, "order of the rest", 2)
    await shop.do("list_allotments", "leases by reference", params={"reference": reference})
    await shop.do("get_allotment", "lease again", path=_path(at))
    await s.stock(offer, "stock before release")
    await shop.do("release_allotment", "release", path=_path(at), body={"quantity": 1})
    await s.stock(offer, "stock after release")
    await shop.do("release_allotment", "release too many", path=_path(at), body={"quantity": 9})
    strict = await shop.offer(quantity=5)
    await _lease(shop, strict, "lease of strict", 4, reference=word("lease"), ttl_seconds=LONG)


@story("lease_limits")
async def lease_limits(s: GatewaySession) -> None:
    """Safety stock, and three to a channel."""
    shop = await s.shop()
    few: Json = {"quantity": 5, "safety_stock": 2}
    await _lease(shop, await _offer(shop, **few), "lease into safety", 4)
    await _lease(shop, await _offer(shop, **few), "lease beside safety", 3)
    limited = await _offer(shop, quantity=20, restrictions={"channel_limit": {"quantity": 3}})
    await _lease(shop, limited, "lease below limit", 2)
    await _lease(shop, limited, "lease at limit", 1)
    await _lease(shop, limited, "lease above limit", 1)


@story("sales")
async def sales(s: GatewaySession) -> None:
    """A report with a wrong price in the middle, sent again; another sale under a known name; an offer gets dearer."""
    shop, codes = await s.shop(), s.codes(6)
    offer = await _offer(shop, codes=codes)
    at = await _leased(shop, offer, "lease", 5)
    first, last = sale(2), sale()
    s.transcript.note("sale", first["reference"])
    await s.stock(offer, "stock before sales")
    await _report(shop, at, "report", first, sale(price=DEARER), last)
    await s.stock(offer, "stock after sales")
    found = await shop.do("list_orders", "order of the sale", params={"reference": first["reference"]})
    items = found.answer.get("items")
    for order in items[:1] if isinstance(items, list) else []:
        if isinstance(order, dict) and "id" in order:
            for delivery in await shop.deliveries(order, "deliveries of the sale"):
                await shop.reveal(delivery, "goods of the sale")
    await _report(shop, at, "report again", first)
    await _report(shop, at, "another sale of the name", {**first, "quantity": 1})
    risen = await _offer(shop, quantity=5)
    kept = await _leased(shop, risen, "lease before the rise", 2)
    await s.change(risen, "rise", price=DEARER)
    await _report(shop, kept, "sale at the old price", sale())


@story("late_sales")
async def late_sales(s: GatewaySession) -> None:
    """More than remains of a lease; then all is given back, and more is sold than there is."""
    shop = await s.shop()
    offer = await _offer(shop, quantity=5)
    at = await _leased(shop, offer, "lease", 1)
    await _report(shop, at, "more than remains", sale(2))
    await shop.do("release_allotment", "release all", path=_path(at), body={})
    await s.stock(offer, "stock before late sales")
    await _report(shop, at, "late sales", *[sale() for _ in range(3)])
    await s.stock(offer, "stock after late sales")
    await _report(shop, at, "sale of nothing", sale())
    await s.stock(offer, "stock after the sale of nothing")


@story("sales_rush")
async def sales_rush(s: GatewaySession) -> None:
    """Fourteen reports at once on eight units, of which four are leased; one sale is in all of them."""
    shop = await s.shop()
    offer = await _offer(shop, quantity=8)
    at = await _leased(shop, offer, "lease", 4)
    common = sale()
    s.transcript.note("common", common["reference"])
    async with asyncio.TaskGroup() as together:
        for _ in range(14):
            together.create_task(_report(shop, at, "rush", common, sale()))
    await s.stock(offer, "stock after the rush")


@story("leases_end", phase=10, clock=True)
async def leases_end(s: GatewaySession) -> None:
    """One lease is recalled, and sells a unit within its grace; another one expires."""
    listener = await s.callback("standard_webhooks")
    shop = await s.shop(callback=listener)
    recalled, expiring = await _offer(shop, quantity=5), await _offer(shop, quantity=5)
    at = await _leased(shop, recalled, "lease to recall", 3, ttl_seconds=3600)
    s.transcript.note("recalled", at["allotment_id"])
    other = await _leased(shop, expiring, "short lease", 2, ttl_seconds=900)
    told = await s.control("test_recall_allotment", "recall", path=_path(at), body={"grace_seconds": 300})
    await s.stock(recalled, "stock when recalled")
    await _report(shop, at, "sale after recall", sale())
    await s.stock(recalled, "stock after that sale")
    await settled(lambda: listener.events("allotment.recalled"), timing.EVENT_PATIENCE)
    await s.stock(expiring, "stock while leased")
    ends = max(str(told.get("expires_at")), str(other["expires_at"]))
    await s.advance(until(ends, await s.now()))
    await _back(s, recalled, "stock after grace")
    await _back(s, expiring, "stock after expiry")


async def _back(s: GatewaySession, offer: Json, label: str) -> None:
    """Read the books until nothing is leased, for a while."""
    for _ in range(int(timing.BACK / timing.POLL)):
        if not (await s.stock(offer, label)).get("allotted"):
            return
        await asyncio.sleep(timing.POLL)
