"""Transfers: offered with a code, and accepted by who enters it."""

from __future__ import annotations

import secrets
from datetime import timedelta

from conformance.mini_gateway import ownership, ownership_log
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Json, Owned, World

WEEK = 7 * 86_400


def create_transfer(world: World, call: Call) -> Json:
    """Offer it."""
    one = ownership.own(world, call)
    if one.offer is not None and world.fault != "transfer_twice":
        raise Refusal("transfer_open")
    anything = world.fault == "transfer_anything" and one.body["status"] == "active"
    if not _free(one) and not anything:
        raise Refusal("transfer_not_allowed")
    ends = world.now() + timedelta(seconds=call.body.get("expires_in", WEEK))
    made: Json = {
        "status": "offered",
        "id": world.name("trf"),
        "revision": 1,
        "entitlement_id": one.body["id"],
        "created_at": world.stamp(),
        "expires_at": world.stamp(ends),
        "code": secrets.token_hex(16).upper(),
    }
    if one.offer is None:
        one.offer = world.transfers[made["id"]] = made
        ownership.note(world, one, "offered", call.trace_id)
    return dict(made)


def _free(one: Owned) -> bool:
    return one.body["status"] == "active" and one.rule != "never"


def _offered(world: World, call: Call) -> tuple[Json, Owned]:
    code = call.body["code"]
    offer = next((one for one in world.transfers.values() if one["code"] == code), None)
    if offer is None:
        raise Refusal("not_found", pointer="/code")
    ended = {"transfer_code_again": "accepted", "transfer_declined_open": "declined"}.get(world.fault)
    if offer["status"] not in ("offered", ended):
        raise Refusal("transfer_not_open", pointer="/code")
    return offer, world.owned[offer["entitlement_id"]]


def accept_transfer(world: World, call: Call) -> Json:
    """Become the owner."""
    offer, one = _offered(world, call)
    buyer = call.body["buyer_id"]
    if buyer not in world.accounts or world.accounts[buyer].owner != call.owner.id:
        raise Refusal("not_found", pointer="/buyer_id")
    if not _free(one):
        raise Refusal("transfer_not_allowed")
    ownership.close(one, "accepted")
    offer["status"] = "accepted"
    old, body = one.owner, one.body
    gone: Json = {name: body[name] for name in ("id", "buyer_id", "product", "acquired_at")} | {
        "status": "transferred",
        "revision": body["revision"] + 1,
        "transferable": False,
        "ended_at": world.stamp(),
    }
    one.past.append((old, gone))
    if one.place is not None:
        world.statuses[one.place] = 0 if world.fault == "transfer_status_stays" else 1
    one.owner, one.place, one.period = call.owner.id, None, one.period + 1
    body |= {"buyer_id": buyer, "acquired_at": world.stamp(), "revision": body["revision"] + 1}
    one.history.append({"change": "transferred", "at": world.stamp()})
    ownership_log.write(world, "transferred", body["id"], buyer)
    seen, kind = ownership.shown(world, one), "entitlement.transferred"
    ownership.emit(world, one.owner, one, kind, seen, call.trace_id)
    if old != one.owner and world.fault != "transfer_silent":
        ownership.emit(world, old, one, kind, gone, call.trace_id)
    return seen


def decline_transfer(world: World, call: Call) -> Json:
    """Turn it down."""
    offer, one = _offered(world, call)
    ownership.close(one, "declined")
    ownership.note(world, one, "offered", call.trace_id)
    return _shown(world, offer)


def _shown(world: World, offer: Json) -> Json:
    hidden = set() if world.fault == "transfer_shows_code" else {"code"}
    return {name: value for name, value in offer.items() if name not in hidden}


def _found(world: World, call: Call) -> Json:
    offer = world.transfers.get(call.parts["transfer_id"])
    one = world.owned.get(offer["entitlement_id"]) if offer else None
    owners = [one.owner, *(owner for owner, _ in one.past)] if one else []
    if offer is None or call.owner.id not in owners:
        raise Refusal("not_found", name="transfer_id", where="path")
    return offer


def get_transfer(world: World, call: Call) -> Json:
    """One offer."""
    return _shown(world, _found(world, call))


def cancel_transfer(world: World, call: Call) -> Json:
    """Take it back."""
    offer = _found(world, call)
    one = world.owned[offer["entitlement_id"]]
    if one.offer is offer:
        ownership.close(one, "cancelled")
        ownership.note(world, one, "offered", call.trace_id)
    return _shown(world, offer)
