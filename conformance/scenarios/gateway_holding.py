"""Stories of holds: released, extended, capped, kept to a price."""

from __future__ import annotations

from conformance.driver.gateway_client import GatewaySession
from conformance.driver.shop import buyer
from conformance.model import scenario

MOST_EXTENSIONS = 30  # INV-010


@scenario("holds", role="gateway")
async def holds(s: GatewaySession) -> None:
    """Hold, release, release again; more than there is; the wrong region; withdrawn."""
    shop = await s.shop()
    offer = await shop.offer(quantity=5)
    await s.stock(offer, "stock at first")
    hold = await shop.must("create_reservation", "hold", body=shop.holding(offer, 2))
    s.transcript.note("now", (await s.now()).timestamp())
    await s.stock(offer, "stock while held")
    await shop.hold(offer, "more than there is", 4)
    await s.stock(offer, "stock after refusal")
    await shop.hold(offer, "all there is", 3)
    at = {"reservation_id": hold["id"]}
    await shop.do("release_reservation", "release", path=at)
    await s.stock(offer, "stock after release")
    await shop.do("release_reservation", "release again", path=at)
    await s.stock(offer, "stock after second release")
    order = shop.ordering(offer, 2, hold.get("buyer"), reservation_id=hold["id"])
    await shop.do("create_order", "order from released", body=order)
    local = await shop.offer(quantity=5, restrictions={"regions": ["DE"]})
    await shop.hold(local, "right region", who=buyer("DE"))
    await shop.hold(local, "wrong region", who=buyer("US"))
    await s.change(local, "withdraw", withdrawn=True)
    await shop.hold(local, "withdrawn", who=buyer("DE"))


@scenario("extensions", role="gateway")
async def extensions(s: GatewaySession) -> None:
    """Extend a hold until the gateway will not; extend a released one."""
    shop = await s.shop()
    offer = await shop.offer(quantity=5)
    hold = await shop.must("create_reservation", "hold", body=shop.holding(offer, 1, ttl_seconds=60))
    at = {"reservation_id": hold["id"]}
    for number in range(MOST_EXTENSIONS + 1):
        seen = await shop.do("extend_reservation", f"extend {number}", path=at, body={"ttl_seconds": 600})
        if seen.status != 200:
            break
    await shop.do("get_reservation", "after extending", path=at)
    other = await shop.must("create_reservation", "other hold", body=shop.holding(offer, 1))
    at = {"reservation_id": other["id"]}
    await shop.do("release_reservation", "release", path=at)
    await shop.do("extend_reservation", "extend released", path=at, body={"ttl_seconds": 600})


@scenario("caps", role="gateway")
async def caps(s: GatewaySession) -> None:
    """One channel may have three holds open, one buyer two."""
    capped = await s.shop(max_open_holds=3, max_open_holds_per_buyer=100)
    offer = await capped.offer(quantity=50)
    for number in range(4):
        await capped.hold(offer, f"channel hold {number}")
    shop = await s.shop(max_open_holds=100, max_open_holds_per_buyer=2)
    offer = await shop.offer(quantity=50)
    who = buyer()
    for number in range(3):
        await shop.hold(offer, f"buyer hold {number}", who=who)
    await shop.hold(offer, "another buyer", who=buyer())


@scenario("price_lock", role="gateway")
async def price_lock(s: GatewaySession) -> None:
    """The price rises between the hold and the order."""
    shop = await s.shop()
    offer = await shop.offer(quantity=5)
    who = buyer()
    hold = await shop.must("create_reservation", "hold", body=shop.holding(offer, 1, who))
    s.transcript.note("price", offer.get("price"))
    await s.change(offer, "price rises", price={"amount": 2499, "currency": "EUR"})
    await shop.order(offer, "old price without a hold")
    body = shop.ordering(offer, 1, who, reservation_id=hold["id"])
    await shop.do("create_order", "old price from the hold", body=body)


@scenario("mismatch", role="gateway")
async def mismatch(s: GatewaySession) -> None:
    """Orders that are not what their hold was for."""
    shop = await s.shop()
    offer, other = await shop.offer(quantity=40), await shop.offer(quantity=40)
    who = buyer()
    orders = {
        "as held": shop.ordering(offer, 2, who),
        "another offer": shop.ordering(other, 2, who),
        "another quantity": shop.ordering(offer, 1, who),
        "another buyer": shop.ordering(offer, 2, buyer()),
    }
    for label, body in orders.items():
        hold = await shop.must("create_reservation", "hold", body=shop.holding(offer, 2, who))
        body["lines"][0]["reservation_id"] = hold["id"]
        await shop.do("create_order", label, body=body)
