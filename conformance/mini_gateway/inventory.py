"""Holds."""

from __future__ import annotations

from datetime import datetime, timedelta

from conformance.mini_gateway import catalog, limits, notes, paging
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Hold, Json, Offer, World

DEFAULT, LONGEST, EXTENSIONS = 600, 3600, 3


def life(world: World, offer: Offer, wish: int | None, own: int = 0) -> datetime:
    """When a hold made or extended now ends; `own` units of what is reserved are its own."""
    if world.fault == "endless_holds" and not wish:
        return world.now() + timedelta(days=30)
    seconds = min(wish or DEFAULT, LONGEST)
    if offer.stock.kind != "unlimited":
        seconds = limits.pressed(world, offer.stock.on_sale(), offer.stock.reserved - own, seconds)
    return world.now() + timedelta(seconds=seconds)


def sellable(world: World, call: Call, offer: Offer | None, region: str | None, at: str, fault: str) -> Offer:
    """The offer, when this channel may sell it in the region; `fault` switches the region rule off."""
    if offer is None:
        raise Refusal("not_found", "there is no such offer", pointer=f"{at}/offer_id")
    if offer.withdrawn and world.fault != f"{fault}_withdrawn":
        raise Refusal("offer_withdrawn", pointer=f"{at}/offer_id")
    regions = (offer.restrictions or {}).get("regions")
    if regions is not None and region not in regions and world.fault != f"{fault}_region":
        raise Refusal("region_not_allowed", pointer="/buyer/region")
    return offer


def _caps(world: World, call: Call) -> None:
    client, buyer = call.owner, call.body["buyer"]["reference"]
    open_holds = [h for h in world.holds.values() if h.owner == client.id and h.body["status"] == "active"]
    same = [h for h in open_holds if h.body["buyer"]["reference"] == buyer]
    full = len(open_holds) >= client.max_holds and world.fault != "no_channel_cap"
    many = len(same) >= client.max_buyer_holds and world.fault != "no_buyer_cap"
    if full or many:
        raise Refusal("hold_limit_reached", headers={"Retry-After": "5"})


def create_reservation(world: World, call: Call) -> Json:
    """Hold stock."""
    body = call.body
    found = catalog.visible(world, call, body["offer_id"])
    offer = sellable(world, call, found, body["buyer"].get("region"), "", "hold")
    most = (offer.restrictions or {}).get("max_per_order")
    if most and body["quantity"] > most:
        raise Refusal("quantity_not_allowed", pointer="/quantity")
    limits.check(world, call, offer, body["quantity"], "/quantity", "hold")
    _caps(world, call)
    limits.fair(world, call, offer, body["quantity"])
    ends = world.stamp(life(world, offer, body.get("ttl_seconds")))
    short = (
        world.fault == "short_holds" and body["quantity"] > 1 and not offer.stock.has(body["quantity"], True)
    )
    if call.seen.get(offer.id, 0) >= body["quantity"]:
        offer.stock.conjure(body["quantity"])
    if not short:
        offer.stock.take(body["quantity"], "/quantity", world.fault == "hold_safety")
    hold: Json = {
        "status": "active",
        "id": world.name("hold"),
        "buyer": body["buyer"],
        "quantity": body["quantity"],
        "offer_id": offer.id,
        "expires_at": ends,
        "created_at": world.stamp(),
        "unit_price": dict(offer.price),
        "trace_id": call.trace_id,
    }
    if "reference" in body:
        hold["reference"] = body["reference"]
    world.holds[hold["id"]] = Hold(call.owner.id, hold)
    catalog.weigh(world, offer, call.trace_id)
    return hold


def owned(world: World, call: Call) -> Hold:
    """The caller's hold; raises Refusal not_found."""
    hold = world.holds.get(call.parts["reservation_id"])
    if hold is None or hold.owner != call.owner.id:
        raise Refusal("not_found", name="reservation_id", where="path")
    return hold


def get_reservation(world: World, call: Call) -> Json:
    """One hold."""
    body = owned(world, call).body
    if world.fault == "expired_looks_active" and body["status"] == "expired":
        return body | {"status": "active"}
    return body


def list_reservations(world: World, call: Call) -> Json:
    """The client's holds."""
    if world.fault == "hold_reference_lost" and "reference" in call.query:
        return {"has_more": False, "items": []}
    return paging.newest_first(world, call, [h for h in world.holds.values() if h.owner == call.owner.id])


def let_go(world: World, hold: Hold, status: str, trace_id: str) -> None:
    """Give the stock of a hold back to sale."""
    hold.body["status"] = status
    if world.fault == f"{status}_stock_lost" and 1 < hold.body["quantity"] < 5:
        return
    offer = world.offers[hold.body["offer_id"]]
    offer.stock.give_back(hold.body["quantity"])
    catalog.weigh(world, offer, trace_id)


def release_reservation(world: World, call: Call) -> Json:
    """Give a hold back."""
    hold = owned(world, call)
    if hold.body["status"] == "active":
        let_go(world, hold, "released", call.trace_id)
    elif world.fault == "double_release":
        raise Refusal("reservation_not_active")
    return hold.body


def extend_reservation(world: World, call: Call) -> Json:
    """Keep a hold longer."""
    hold = owned(world, call)
    if hold.body["status"] != "active" and world.fault != "extend_dead":
        raise Refusal("reservation_not_active")
    if hold.extensions >= EXTENSIONS and world.fault != "extend_forever":
        raise Refusal("extension_limit_reached")
    hold.extensions += 1
    if world.fault != "extend_nothing":
        offer, own = world.offers[hold.body["offer_id"]], int(hold.body["quantity"])
        hold.body["expires_at"] = world.stamp(life(world, offer, call.body.get("ttl_seconds"), own))
    return hold.body


def expire_due(world: World) -> None:
    """End every hold whose time has come."""
    now = world.stamp(world.now())
    for hold in world.holds.values():
        if (
            hold.body["status"] == "active"
            and not hold.used
            and _moment(hold.body["expires_at"]) <= _moment(now)
        ):
            _expire(world, hold)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _expire(world: World, hold: Hold) -> None:
    trace_id = hold.body["trace_id"]
    let_go(world, hold, "expired", trace_id)
    if world.fault != "no_expiry_event":
        data = {"reservation": hold.body}
        notes.emit(world, hold.owner, "reservation.expired", hold.body["id"], 1, data, trace_id)
