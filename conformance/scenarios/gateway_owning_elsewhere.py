"""A story of what a buyer owns by one channel, and when another one may show it."""

from __future__ import annotations

from conformance.driver.gateway_client import GatewaySession
from conformance.driver.person import address, people
from conformance.driver.shop import Json
from conformance.model import scenario

NEEDED = {"identity", "consent"}
SHOWING: Json = {"scope": {"kind": "all_channels"}}


@scenario("owning_elsewhere", role="gateway", capability="ownership")
async def owning_elsewhere(s: GatewaySession) -> None:
    """Bought by one account; the other one, linked to it, looks before a consent, under it, and after it."""
    if not set(s.capabilities) >= NEEDED:
        return
    a, b = await people(s, await s.shop(), await s.shop())
    body = a.shop.ordering(await a.shop.offer(quantity=1), 1, {"reference": a.subject})
    order = await a.shop.must("create_order", "order", body=body)
    for delivery in await a.shop.deliveries(order):
        s.transcript.note("owned", delivery.get("entitlement_id"))
    email = address()
    for one in (a, b):
        await one.prove("proof", email)
    await a.do("list_entitlements", "own")
    await b.do("list_entitlements", "not allowed")
    await a.decide("give", "personalisation", **SHOWING)
    await b.do("list_entitlements", "allowed")
    await b.decide("withdraw", "personalisation", "withdrawn")
    await b.do("list_entitlements", "withdrawn")
