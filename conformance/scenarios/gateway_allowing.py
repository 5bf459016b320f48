"""Stories of what limits leave one person with accounts on two channels, and of what her tier makes of them."""

from __future__ import annotations

from functools import partial

from conformance.driver.gateway_client import GatewaySession
from conformance.driver.person import Person, address, people
from conformance.driver.shop import Json
from conformance.model import scenario
from conformance.scenarios.gateway_linking import buy, limited
from conformance.transcript import Exchange

story = partial(scenario, role="gateway", capability="identity", phase=20)


@story("allowances")
async def allowances(s: GatewaySession) -> None:
    """Two of four bought on one channel and one held on the other; more of what only the first sells, and of what
    nobody sells any more."""
    first, second = await s.shop(), await s.shop()
    a, b = await people(s, first, second)
    shared, gone = await limited(s, 4), await limited(s, 4)
    own = await first.offer(quantity=9, restrictions={"purchase_limit": {"quantity": 3}})
    for name, offer in (("shared", shared), ("own", own), ("gone", gone)):
        s.transcript.note(f"product {name}", _product(offer))
    await buy(a, shared, "shared", 2)
    await buy(a, own, "own", 1)
    await buy(a, gone, "gone", 1)
    await second.hold(shared, "hold b", 1, who={"reference": b.subject, "region": "DE"})
    await s.test("test_update_offer", "withdraw", path={"offer_id": gone["id"]}, body={"withdrawn": True})
    email = address()
    await a.prove("proof", email)
    link = await b.prove("proof", email)
    for one in (a, b):
        await one.profile("linked")
        await one.resolve("resolved")
    await b.unlink("unlink", link)
    for one in (a, b):
        await one.profile("apart")


def _product(offer: Json) -> str:
    product = offer.get("product")
    return str(product.get("id", "none")) if isinstance(product, dict) else "none"


@story("tiers")
async def tiers(s: GatewaySession) -> None:
    """Two accounts of one person get a tier; another person may have two of something, and three in the tier."""
    first, second = await s.shop(), await s.shop()
    a, b, c = await people(s, first, second, first)
    email = address()
    for one in (a, b):
        await one.prove("proof", email)
    await _tier(s, a)
    for one in (a, b):
        await one.profile("in the tier")
    offer = await limited(s, 2, tiers={"gold": 3})
    await buy(c, offer, "up to the limit", 2)
    await buy(c, offer, "above the limit", 1)
    await _tier(s, c)
    await buy(c, offer, "up to the tier", 1)
    await buy(c, offer, "above the tier", 1)


async def _tier(s: GatewaySession, one: Person) -> Exchange:
    return await s.test("test_set_tier", f"tier {one.who}", path={"buyer_id": one.id}, body={"tier": "gold"})
