"""Leases of stock, and what was sold from them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.jwk import OKPKey

from conformance.mini_gateway import catalog, limits, notes, orders, paging, problems
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.cart import Line, check_input
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Json, Lease, Offer, Order, World

DAY, LONGEST, GRACE = 86_400, 7 * 86_400, 3600


def create_allotment(world: World, call: Call) -> Json:
    """Lease stock."""
    body = call.body
    offer = catalog.visible(world, call, body["offer_id"])
    if offer is None:
        raise Refusal("not_found", pointer="/offer_id")
    if offer.withdrawn:
        raise Refusal("offer_withdrawn", pointer="/offer_id")
    if offer.consistency != "allotment" and world.fault != "lease_strict":
        raise Refusal("allotment_not_allowed", pointer="/offer_id")
    limits.check(world, call, offer, body["quantity"], "/quantity", "lease")
    _set_aside(world, offer, body["quantity"])
    life = 60 * DAY if world.fault == "lease_endless" else min(body.get("ttl_seconds", DAY), LONGEST)
    lease: Json = {
        "id": world.name("let"),
        "revision": 1,
        "status": "active",
        "offer_id": offer.id,
        "quantity": body["quantity"],
        "remaining": body["quantity"],
        "returned": 0,
        "sold": 0,
        "unit_price": dict(offer.price),
        "created_at": world.stamp(),
        "expires_at": world.stamp(world.now() + timedelta(seconds=life)),
        "trace_id": call.trace_id,
    }
    if "reference" in body:
        lease["reference"] = body["reference"]
    record = world.leases[lease["id"]] = Lease(call.owner.id, lease)
    catalog.weigh(world, offer, call.trace_id)
    return _shown(world, record)


def _set_aside(world: World, offer: Offer, quantity: int) -> None:
    stock = offer.stock
    if world.fault == "lease_short" and not stock.has(quantity) and stock.kind == "codes":
        return
    stock.take(quantity, "/quantity", world.fault == "lease_safety")
    stock.lease(quantity)
    if world.fault == "lease_not_taken" and stock.kind == "codes" and quantity == 4:
        stock.available += quantity
        stock.received += quantity


def _shown(world: World, record: Lease) -> Json:
    """The lease with its signature, while it may be sold from."""
    lease = dict(record.body)
    if lease["status"] == "active":
        ends = datetime.fromisoformat(lease["expires_at"])
        claims: Json = {name: lease[name] for name in ("offer_id", "unit_price")} | {
            "iss": world.url,
            "sub": record.owner,
            "aud": record.owner,
            "iat": int(datetime.fromisoformat(lease["created_at"]).timestamp()),
            "exp": int(ends.timestamp()),
            "allotment_id": lease["id"],
            "product_id": "thing_" + lease["offer_id"].split("_")[1],
            "quantity": lease["quantity"] - lease["returned"],
        }
        own = world.fault != "lease_forged"
        key = world.key if own else OKPKey.generate_key("Ed25519", {"kid": world.key.kid or ""})
        header = {"alg": "Ed25519", "typ": "vgcp-lease+jwt", "kid": world.key.kid}
        lease["lease"] = jwt.encode(header, claims, key, algorithms=["Ed25519"])
    return lease


def _owned(world: World, call: Call) -> Lease:
    lease = world.leases.get(call.parts["allotment_id"])
    if lease is None or lease.owner != call.owner.id:
        raise Refusal("not_found", name="allotment_id", where="path")
    return lease


def get_allotment(world: World, call: Call) -> Json:
    """One lease."""
    return _shown(world, _owned(world, call))


def list_allotments(world: World, call: Call) -> Json:
    """The client's leases."""
    if world.fault == "lease_reference_lost" and "reference" in call.query:
        return {"has_more": False, "items": []}
    return paging.newest_first(world, call, [x for x in world.leases.values() if x.owner == call.owner.id])


def _change(lease: Lease, **parts: int) -> None:
    body = lease.body
    for name, more in parts.items():
        body[name] += more
        body["remaining"] -= more
    body["revision"] += 1
    if body["remaining"] == 0:
        body["status"] = "ended"


def _give_back(world: World, lease: Lease, quantity: int, trace_id: str, lost: bool) -> None:
    offer = world.offers[lease.body["offer_id"]]
    _change(lease, returned=quantity)
    if not lost:
        offer.stock.lease(-quantity)
        offer.stock.give_back(quantity)
        catalog.weigh(world, offer, trace_id)


def release_allotment(world: World, call: Call) -> Json:
    """Give back what will not be sold."""
    lease = _owned(world, call)
    remaining = lease.body["remaining"]
    quantity = call.body.get("quantity", remaining)
    if quantity > remaining and world.fault != "release_any":
        raise Refusal("exceeds_allotment", pointer="/quantity")
    if remaining:
        lost = world.fault == "released_lease_lost" and quantity < remaining
        _give_back(world, lease, min(quantity, remaining), call.trace_id, lost)
    return _shown(world, lease)


def expire_due(world: World) -> None:
    """End every lease whose time has come."""
    for lease in world.leases.values():
        body = lease.body
        if body["remaining"] and datetime.fromisoformat(body["expires_at"]) <= world.now():
            lost = {"active": "expired_lease_kept", "recalled": "recalled_lease_kept"}[body["status"]]
            _give_back(world, lease, body["remaining"], body["trace_id"], world.fault == lost)


def test_recall_allotment(world: World, call: Call) -> Json:
    """Recall a lease."""
    lease = world.leases.get(call.parts["allotment_id"])
    if lease is None:
        raise Refusal("not_found", name="allotment_id", where="path")
    body = lease.body
    ends = world.now() + timedelta(seconds=call.body.get("grace_seconds", GRACE))
    if body["remaining"] and ends < datetime.fromisoformat(body["expires_at"]):
        body |= {"status": "recalled", "recalled_at": world.stamp(), "expires_at": world.stamp(ends)}
        _change(lease)
        expire_due(world)
        if world.fault != "recall_untold":
            data, revision = {"allotment": body}, body["revision"]
            notes.emit(world, lease.owner, "allotment.recalled", body["id"], revision, data, call.trace_id)
    return body


async def report_sales(world: World, call: Call) -> Json:
    """Orders for what was sold."""
    lease, seen = _owned(world, call), {}
    if world.fault == "reports_race":
        seen = {offer.id: offer.stock.available for offer in world.offers.values()}
        await asyncio.sleep(0.05)
    results: list[Json] = []
    for number, sale in enumerate(call.body["sales"]):
        results.append(_result(world, replace(call, body=sale, seen=seen), lease, f"/sales/{number}"))
        if world.fault == "batch_stops" and results[-1]["status"] == "refused":
            rest = call.body["sales"][number + 1 :]
            results += [{**results[-1], "reference": one["reference"]} for one in rest]
            break
    return {"allotment": _shown(world, lease), "results": results}


def _result(world: World, call: Call, lease: Lease, at: str) -> Json:
    result: Json = {"reference": call.body["reference"]}
    try:
        order = _known(world, call, lease, at) or _sold(world, call, lease, at)
    except Refusal as refusal:
        problem = problems.document(refusal, call.trace_id, "req-of-the-report")[1]
        return result | {"status": "refused", "problem": problem}
    return result | {"status": "accepted", "order_id": order["id"]}


def _known(world: World, call: Call, lease: Lease, at: str) -> Json | None:
    sale = call.body
    found: list[Order] = [
        one
        for one in world.orders.values()
        if one.owner == call.owner.id and one.body["reference"] == sale["reference"]
    ]
    if not found:
        return None
    order = found[0].body
    line: Any = order["lines"][0]
    same = (order.get("allotment_id"), line["quantity"]) == (lease.body["id"], sale["quantity"])
    if world.fault == "sales_twice" and same:
        return None
    if not same and world.fault != "sales_confused":
        raise Refusal("reference_in_use", pointer=f"{at}/reference")
    return order


def _sold(world: World, call: Call, lease: Lease, at: str) -> Json:
    sale, body = call.body, lease.body
    offer = world.offers[body["offer_id"]]
    price = offer.price if world.fault == "lease_price_moves" else body["unit_price"]
    if sale["unit_price"]["amount"] != price["amount"] and world.fault != "sale_any_price":
        raise Refusal("price_mismatch", pointer=f"{at}/unit_price")
    check_input(world, offer, sale, at)
    leased = sale["quantity"] <= body["remaining"]
    if world.fault == "recall_ends_sales" and body["status"] == "recalled":
        leased = False
    limits.check(world, call, offer, sale["quantity"], f"{at}/quantity", "leased" if leased else "order")
    if leased:
        _change(lease, sold=sale["quantity"])
        offer.stock.lease(-sale["quantity"])
    else:
        _take(world, call, offer, at)
    line = Line(offer, sale["quantity"], dict(body["unit_price"]), sale, None)
    paid = {"status": "collected"} | sale.get("payment", {})
    asked = replace(call, body={name: sale[name] for name in ("reference", "buyer")} | {"payment": paid})
    return orders.make(world, asked, [line], allotment_id=body["id"])


def _take(world: World, call: Call, offer: Offer, at: str) -> None:
    quantity = call.body["quantity"]
    if call.seen.get(offer.id, 0) >= quantity:
        offer.stock.conjure(quantity)
    if not offer.stock.has(quantity) or offer.withdrawn or world.fault == "late_sales_refused":
        code = "out_of_stock" if world.fault == "exhausted_misnamed" else "allotment_exhausted"
        raise Refusal(code, pointer=f"{at}/quantity")
    offer.stock.take(quantity, at)
