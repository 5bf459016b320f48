"""Stories of the wire itself: bad requests, traces, limits."""

from __future__ import annotations

import json

from conformance.driver.gateway_client import GatewaySession
from conformance.driver.shop import Json, Shop, traceparent, word
from conformance.model import scenario

JSON = {"Content-Type": "application/json"}


@scenario("bad_requests", role="gateway")
async def bad_requests(s: GatewaySession) -> None:
    """Requests that are wrong in one way each, beside the right one."""
    shop = await s.shop()
    offer = await shop.offer(quantity=90)
    body = shop.holding(offer)
    raw = json.dumps(body).encode()
    await shop.do("create_reservation", "right", data=raw, headers=JSON)
    await _post(shop, "zero quantity", json.dumps(body | {"quantity": 0}).encode())
    nested = body | {"buyer": {"reference": "has a space", "region": "DE"}}
    await _post(shop, "bad buyer", json.dumps(nested).encode())
    await _post(shop, "cut off", raw[:-3])
    await _post(shop, "not JSON", b"offer_id=1")
    await _post(shop, "text", raw, {"Content-Type": "text/plain"})
    await shop.do("list_offers", "limit 5", params={"limit": "5"})
    await shop.do("list_offers", "limit 0", params={"limit": "0"}, flaw="limit below 1")
    await shop.do("list_offers", "limit x", params={"limit": "x"}, flaw="limit no number")


@scenario("sizes", role="gateway")
async def sizes(s: GatewaySession) -> None:
    """A body of 60 KiB, of a MiB, of 16 MiB."""
    shop = await s.shop()
    offer = await shop.offer(quantity=9)
    for label, size in (("60 KiB", 60 << 10), ("1 MiB", 1 << 20), ("16 MiB", 16 << 20)):
        data = json.dumps(shop.holding(offer)).encode() + b" " * size
        seen = await shop.do("create_reservation", label, data=data, headers=JSON, flaw="size")
        if seen.status == 413:
            break


async def _post(shop: Shop, label: str, data: bytes, headers: Json | None = None) -> None:
    sent = headers or JSON
    await shop.do("create_reservation", label, data=data, headers=sent, flaw=label)


@scenario("unknown_members", role="gateway")
async def unknown_members(s: GatewaySession) -> None:
    """Requests with members that a later version of the standard might have."""
    shop = await s.shop()
    offer = await shop.offer(quantity=9)
    new = {"x_future": {"a": [1, 2]}, "zz_hint": "new"}
    await shop.do("create_reservation", "hold", body=shop.holding(offer))
    await shop.do("create_reservation", "hold with unknown", body=shop.holding(offer) | new)
    body = shop.ordering(offer)
    await shop.do("create_order", "order", body=body)
    body = shop.ordering(offer) | new
    body["lines"][0] |= new
    body["buyer"] |= new
    body["payment"] |= new
    await shop.do("create_order", "order with unknown", body=body)


@scenario("paths", role="gateway")
async def paths(s: GatewaySession) -> None:
    """A path that does not exist, and methods that a path does not have."""
    shop = await s.shop()
    sent = {"Authorization": f"Bearer {shop.token}", "traceparent": traceparent()}
    await shop.do("list_orders", "known path")
    call = s.client.call
    await call("", "GET", f"{s.api}/no-such-thing", label="unknown path", headers=sent)
    await call("", "GET", f"{s.origin}/no-such-thing", label="unknown path outside", headers=sent)
    await call("", "PATCH", f"{s.api}/orders", label="patch orders", headers=sent)
    await call("", "DELETE", f"{s.api}/offers", label="delete offers", headers=sent)
    await shop.do("get_order", "unknown order", path={"order_id": word("ord").replace("-", "_")})


@scenario("traces", role="gateway")
async def traces(s: GatewaySession) -> None:
    """A good traceparent, bad ones, none; what is made remembers its trace."""
    shop = await s.shop()
    offer = await shop.offer(quantity=9)
    hold = await shop.hold(offer, "hold")
    await shop.order(offer, "order")
    await shop.do(
        "get_reservation", "hold again", path={"reservation_id": str(hold.answer.get("id", "none"))}
    )
    zeros = f"00-{'0' * 32}-{'1' * 16}-01"
    bad = {
        "words": "not a trace",
        "upper case": traceparent().upper(),
        "zeros": zeros,
        "short": "00-12-34-01",
    }
    for name, value in bad.items():
        await shop.do("list_orders", f"bad: {name}", headers={"traceparent": value}, flaw=name)
    await shop.do("list_orders", "good", headers={"traceparent": traceparent()})
    url = f"{s.api}/orders"
    sent = {"Authorization": f"Bearer {shop.token}"}
    await s.client.call("list_orders", "GET", url, label="none", headers=sent)


@scenario("rate", role="gateway")
async def rate(s: GatewaySession) -> None:
    """A client that may ask six times a minute asks twenty times; another one is served."""
    slow, other = await s.shop(rate_limit_per_minute=6), await s.shop()
    for number in range(20):
        seen = await slow.do("list_offers", f"ask {number}")
        if seen.status == 429:
            break
    await other.do("list_offers", "another client")


@scenario("unavailable", role="gateway", phase=2)
async def unavailable(s: GatewaySession) -> None:
    """Test control makes an operation fail once; then it works again."""
    shop = await s.shop()
    for number, status in enumerate((503, 429, 500)):
        fault = {"operation_id": "list_events", "count": 1, "status": status, "retry_after_seconds": 1}
        await s.test("test_raise_fault", f"fail with {status}", body=fault)
        await shop.do("list_events", f"failing {status}")
        await shop.do("list_events", f"well again {number}")
