"""Leases over real sockets, on both databases."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from joserfc import jws, jwt
from joserfc.jwk import KeySet

import spec
from gateway.http.jose import own_registry
from tests.fixtures.gateway import RunningGateway, TestChannel, call, order_of


def sale_of(lease: dict[str, Any], reference: str, quantity: int = 1, **members: Any) -> dict[str, Any]:
    """A sale at the lease's price."""
    return {
        "reference": reference,
        "quantity": quantity,
        "unit_price": lease["unit_price"],
        "buyer": {"reference": "buyer-1", "region": "DE"},
        "sold_at": lease["created_at"],
        **members,
    }


async def leased(
    gateway: RunningGateway, shop: TestChannel, count: int, quantity: int, **members: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """An offer of so many codes, and a lease of some of them."""
    codes = [f"code-{n}" for n in range(count)]
    offer = await gateway.offer(codes=codes, consistency="allotment", **members)
    lease = await shop.post(
        "/allotments", {"offer_id": offer["id"], "quantity": quantity, "reference": "fair"}
    )
    assert lease.status == 201, lease.body
    return offer, dict(lease.json)


async def report(
    shop: TestChannel, lease: dict[str, Any], *made: dict[str, Any], key: str | None = None
) -> Any:
    """A report that is taken; its results."""
    answer = await shop.post(f"/allotments/{lease['id']}/sales", {"sales": list(made)}, key=key)
    assert answer.status == 200, answer.body
    return answer.json["results"]


async def claims_of(gateway: RunningGateway, signed: str) -> dict[str, Any]:
    """What the lease says, verified by the published keys as a channel would."""
    keys = KeySet.import_key_set((await call("GET", f"{gateway.api}/oauth/jwks")).json)
    header = jws.extract_compact(signed.encode()).headers()
    assert header["typ"] == "vgcp-lease+jwt"
    assert header["kid"] in {key.kid for key in keys.keys}
    claims = dict(jwt.decode(signed, keys, registry=own_registry).claims)
    assert spec.validator("LeaseClaims").errors(claims) == []
    return claims


async def told(shop: TestChannel) -> list[dict[str, Any]]:
    """The channel's events about recalls, as soon as there are any."""
    for _ in range(100):
        items = (await shop.get("/events")).json["items"]
        found = [one for one in items if one["type"] == "allotment.recalled"]
        if found:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("no event")


async def test_a_lease_is_signed(gateway: RunningGateway, shop: TestChannel) -> None:
    """ALT-005: for this channel and offer, with quantity and end; less after a release, none after a recall."""
    offer, lease = await leased(gateway, shop, 5, 4)
    claims = await claims_of(gateway, lease["lease"])
    assert (claims["sub"], claims["aud"]) == (shop.client_id, shop.client_id)
    assert (claims["allotment_id"], claims["offer_id"], claims["quantity"]) == (lease["id"], offer["id"], 4)
    assert claims["exp"] - claims["iat"] == 86_400
    released = await shop.post(f"/allotments/{lease['id']}/release", {"quantity": 1})
    assert (await claims_of(gateway, released.json["lease"]))["quantity"] == 3
    assert (await shop.get(f"/allotments/{lease['id']}")).json == released.json
    recalled = await gateway.control(f"/allotments/{lease['id']}/recall", {"grace_seconds": 60})
    assert recalled.json["status"] == "recalled"
    assert "lease" not in (await shop.get(f"/allotments/{lease['id']}")).json


async def test_a_lease_is_no_access_token(gateway: RunningGateway, shop: TestChannel) -> None:
    """AUT-008: what the same key has signed for another purpose opens nothing."""
    _, lease = await leased(gateway, shop, 2, 1)
    answer = await shop.get("/allotments", headers={"Authorization": f"Bearer {lease['lease']}"})
    assert answer.code == "unauthenticated"


async def test_reports_and_their_goods(gateway: RunningGateway, shop: TestChannel) -> None:
    """ALT-009, ALT-010, ALT-015: orders by reference, goods as ever; the refused one is told with its problem."""
    offer, lease = await leased(gateway, shop, 4, 2)
    made = [sale_of(lease, "t-1"), sale_of(lease, "t-2", 2), sale_of(lease, "t-3", 2)]
    results = await report(shop, lease, *made, key="report-1")
    assert [one["status"] for one in results] == ["accepted", "accepted", "refused"]
    assert [one.get("taken_from") for one in results] == ["lease", "stock", None]
    assert results[2]["problem"]["code"] == "allotment_exhausted"
    assert results[2]["problem"]["errors"][0]["pointer"] == "/sales/2/quantity"
    assert await report(shop, lease, *made, key="report-1") == results
    assert (await report(shop, lease, made[0]))[0] == results[0]
    listed = (await shop.get("/orders", params={"reference": "t-1"})).json["items"]
    assert [(one["id"], one["allotment_id"]) for one in listed] == [(results[0]["order_id"], lease["id"])]
    deliveries = (await shop.get(f"/orders/{results[0]['order_id']}/deliveries")).json["items"]
    goods = await shop.post(f"/deliveries/{deliveries[0]['id']}/reveal")
    assert goods.json["goods"]["code"]["value"].startswith("code-")
    books = await gateway.stock(offer)
    assert (books["available"], books["allotted"], books["sold"]) == (0, 1, 3)


async def test_expiry_is_swept(gateway: RunningGateway, shop: TestChannel) -> None:
    """ALT-020, TST-007: when the clock has moved, what remained is on sale again."""
    offer, lease = await leased(gateway, shop, 3, 3)
    assert (await shop.post("/orders", order_of(offer))).code == "out_of_stock"
    await gateway.control("/clock", {"advance_seconds": 86_400})
    shop.forget_token()
    assert (await gateway.stock(offer))["allotted"] == 0
    shown = (await shop.get(f"/allotments/{lease['id']}")).json
    assert (shown["status"], shown["returned"], shown["remaining"]) == ("ended", 3, 0)
    assert (await shop.post("/orders", order_of(offer))).status == 201


async def test_a_recall_is_told(gateway: RunningGateway, shop: TestChannel) -> None:
    """ALT-021, ALT-023: by event, with the new end, at which the rest comes back."""
    offer, lease = await leased(gateway, shop, 3, 3)
    recalled = await gateway.control(f"/allotments/{lease['id']}/recall", {"grace_seconds": 600})
    events = await told(shop)
    assert [one["data"]["allotment"] for one in events] == [recalled.json]
    assert events[0]["revision"] == recalled.json["revision"]
    assert spec.validator("Event").errors(events[0]) == []
    assert (await report(shop, lease, sale_of(lease, "t-1")))[0]["taken_from"] == "lease"
    await gateway.control("/clock", {"advance_seconds": 600})
    books = await gateway.stock(offer)
    assert (books["available"], books["allotted"], books["sold"]) == (2, 0, 1)


async def test_lists_and_others(gateway: RunningGateway, shop: TestChannel) -> None:
    """ALT-008, AUT-011: found by reference, in pages; another channel sees and changes nothing."""
    offer, lease = await leased(gateway, shop, 9, 1)
    for name in ("fair", "other"):
        wish = {"offer_id": offer["id"], "quantity": 1, "reference": name}
        assert (await shop.post("/allotments", wish)).status == 201
    named = (await shop.get("/allotments", params={"reference": "fair"})).json
    assert [one["reference"] for one in named["items"]] == ["fair", "fair"]
    page = (await shop.get("/allotments", params={"limit": 2})).json
    rest = (await shop.get("/allotments", params={"cursor": page["next_cursor"]})).json
    assert [len(page["items"]), len(rest["items"]), rest["has_more"]] == [2, 1, False]
    other = await gateway.channel("other")
    assert (await other.get("/allotments")).json["items"] == []
    assert (await other.get(f"/allotments/{lease['id']}")).code == "not_found"
    assert (await other.post(f"/allotments/{lease['id']}/release")).code == "not_found"
    answer = await other.post(f"/allotments/{lease['id']}/sales", {"sales": [sale_of(lease, "t-1")]})
    assert answer.code == "not_found"
    limited = await gateway.channel("limited", scopes=["catalog", "orders"])
    assert (await limited.get("/allotments")).code == "scope_missing"


async def test_bad_reports_change_nothing(gateway: RunningGateway, shop: TestChannel) -> None:
    """ERR-003: the field is named, whatever is wrong with one sale of the report."""
    offer, lease = await leased(gateway, shop, 3, 2)
    bad = [
        ({**sale_of(lease, "t-2"), "quantity": 0}, "/sales/1/quantity"),
        (sale_of(lease, "t-2", sold_at="yesterday"), "/sales/1/sold_at"),
        (sale_of(lease, "t-2", sold_at="2026-11-23T23:59:60Z"), "/sales/1/sold_at"),
    ]
    for sale, pointer in bad:
        answer = await shop.post(f"/allotments/{lease['id']}/sales", {"sales": [sale_of(lease, "t-1"), sale]})
        assert (answer.status, answer.code) == (422, "invalid"), answer.body
        assert pointer in [one.get("pointer") for one in answer.json["errors"]]
    assert (await gateway.stock(offer))["sold"] == 0


async def test_a_rush_of_reports(gateway: RunningGateway, shop: TestChannel) -> None:
    """ALT-016: the same sales in thirty reports at once, and orders of everybody: each once, and none too many."""
    offer, lease = await leased(gateway, shop, 20, 10)
    made = [sale_of(lease, f"t-{n}") for n in range(14)]
    await shop.get("/orders")
    reports = [report(shop, lease, *made[n % 5 :]) for n in range(30)]
    orders = [shop.post("/orders", order_of(offer)) for _ in range(20)]
    found, bought = await asyncio.gather(asyncio.gather(*reports), asyncio.gather(*orders))
    told: dict[str, set[str]] = {}
    for one in (one for results in found for one in results if one["status"] == "accepted"):
        told.setdefault(one["reference"], set()).add(one["order_id"])
    assert {len(ids) for ids in told.values()} == {1}
    sold = len(told) + Counter(one.status for one in bought)[201]
    books = await gateway.stock(offer)
    assert (books["sold"], books["available"] + books["allotted"]) == (sold, 20 - sold)
