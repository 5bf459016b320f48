"""What buyers own: entitlements, and their way from one buyer to another. Their proof: certificates.py."""

from __future__ import annotations

from datetime import datetime, timedelta

from conformance.mini_gateway import buyers, consent, notes, ownership_log, paging, tokens
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Delivery, Json, Order, Owned, World

HIDDEN = ("order_id", "delivery_id", "transfer", "log")  # from other channels than the owner's
STEPS = {
    "suspended": ("active",),
    "active": ("suspended",),
    "consumed": ("active",),
    "expired": ("active", "suspended"),
    "transferred": ("active",),
    "revoked": ("active", "suspended", "consumed", "expired"),
}


def account(world: World, client_id: str, subject: str) -> str:
    """The buyer's id on this channel, which she has before anybody resolves her."""
    found = [a.id for a in world.accounts.values() if (a.owner, a.subject) == (client_id, subject)]
    if found:
        return str(found[-1])
    return world.unresolved.setdefault((client_id, subject), world.name("who"))


def owner_of(world: World, buyer_id: str) -> str:
    """The client that a buyer belongs to; "" for nobody's."""
    if buyer_id in world.accounts:
        return str(world.accounts[buyer_id].owner)
    return next((client for (client, _), name in world.unresolved.items() if name == buyer_id), "")


def issue(world: World, order: Order, line: Json, made: Delivery, trace_id: str) -> None:
    """What a new delivery is owned by; of a replacement it is what the old one was."""
    old = world.deliveries.get(made.body.get("replaces", ""))
    if old is not None and (kept := world.owned.get(old.body.get("entitlement_id", ""))):
        made.body["entitlement_id"] = kept.body["id"]
        if world.fault != "owned_lost_on_replacement":
            kept.body["delivery_id"] = made.body["id"]
        note(world, kept, "replaced", trace_id)
        return
    offer = world.offers[line["offer_id"]]
    buyer = account(world, order.owner, order.body["buyer"]["reference"])
    name = "ent_" + made.body["id"].partition("_")[2]
    body: Json = {
        "status": "active",
        "id": name,
        "revision": 1,
        "buyer_id": buyer,
        "product": {"kind": "game_key", "name": offer.name, "id": "thing_" + offer.id.split("_")[1]},
        "acquired_at": world.stamp(),
        "origin": {"channel": "A channel"},
        "delivery_id": made.body["id"],
        "order_id": order.body["id"],
    }
    if "valid_days" in offer.ownership:
        ends = world.now() + timedelta(days=offer.ownership["valid_days"])
        body["valid_until"] = world.stamp(ends)
    body |= tokens.named(world, made.goods)
    fixed = "recipient_key" in order.body or offer.kind == "token"
    rule = "never" if fixed else offer.ownership.get("transferable", "always")
    world.owned[name] = Owned(order.owner, body, rule, dict(line["unit_price"]))
    world.owned[name].history.append({"change": "issued", "at": world.stamp()})
    made.body["entitlement_id"] = name
    first = next(one for one in world.owned.values() if one.body["order_id"] == order.body["id"])
    if world.fault == "owned_not_named" and line["quantity"] == 2 and offer.stock.received == 3:
        made.body["entitlement_id"] = first.body["id"]
    ownership_log.write(world, "issued", name, buyer)


def note(world: World, one: Owned, change: str, trace_id: str) -> None:
    """A change: into the history, and told to the owner's channel."""
    one.body["revision"] += 1
    if change != "offered":
        one.history.append({"change": change, "at": world.stamp()})
    kind = "entitlement.revoked" if change == "revoked" else "entitlement.updated"
    if world.fault != "owned_silently" or change == "revoked":
        emit(world, one.owner, one, kind, shown(world, one), trace_id)


def emit(world: World, owner: str, one: Owned, kind: str, seen: Json, trace_id: str) -> None:
    """An event about an entitlement, without its log's salt."""
    told = {name: value for name, value in seen.items() if name != "log"}
    revision = one.body["revision"]
    notes.emit(world, owner, kind, one.body["id"], revision, {"entitlement": told}, trace_id)


def step(world: World, one: Owned, status: str, trace_id: str) -> None:
    """Let its status be so, where that can happen; certificates and offers follow."""
    if one.body["status"] not in STEPS[status]:
        return
    one.body["status"] = status
    if status not in ("active", "suspended"):
        one.body["ended_at"] = world.stamp()
        close(one, "cancelled")
    if one.place is not None:
        world.statuses[one.place] = {"active": 0, "suspended": 2}.get(status, 1)
        if world.fault == "status_stays" and status == "suspended":
            world.statuses[one.place] = 0
    change = "resumed" if status == "active" else status
    ownership_log.write(world, change, one.body["id"], one.body["buyer_id"])
    note(world, one, change, trace_id)


def of_delivery(world: World, made: Delivery) -> Owned | None:
    """What is owned of a delivery."""
    found = world.owned.get(made.body.get("entitlement_id", ""))
    return found if found and found.body["delivery_id"] == made.body["id"] else None


def of_order(world: World, order: Order) -> list[Owned]:
    """What is owned of an order."""
    return [one for one in world.owned.values() if one.body["order_id"] == order.body["id"]]


def expire_due(world: World, trace_id: str = "0" * 31 + "1") -> None:
    """End what was owned or offered for a time."""
    for one in world.owned.values():
        ends = one.body.get("valid_until")
        if ends and datetime.fromisoformat(ends) <= world.now() and world.fault != "owned_for_ever":
            step(world, one, "expired", trace_id)
        if one.offer and datetime.fromisoformat(one.offer["expires_at"]) <= world.now():
            close(one, "expired")
            note(world, one, "offered", trace_id)


def close(one: Owned, status: str) -> None:
    """End the open offer."""
    if one.offer is not None:
        one.offer |= {"status": status, "revision": one.offer["revision"] + 1}
        one.offer = None


def shown(world: World, one: Owned) -> Json:
    """As the owner's channel sees it."""
    body = dict(one.body)
    if one.period > 1:
        del body["order_id"]
    body["transferable"] = body["status"] == "active" and one.rule != "never" and one.offer is None
    if one.offer is not None:
        body["transfer"] = {name: value for name, value in one.offer.items() if name != "code"}
    hidden = {"owned_after_refund": "revoked", "owned_while_disputed": "suspended"}.get(world.fault)
    if body["status"] == hidden:
        body["status"] = "active"
    if world.fault == "owned_after_dismissal" and one.history[-1]["change"] == "resumed":
        body["status"] = "suspended"
    return body | {"log": ownership_log.reference(world, body["id"])}


def visible(world: World, call: Call) -> Json:
    """The entitlement, as the caller may see it."""
    one = world.owned.get(call.parts["entitlement_id"])
    if one is None:
        raise Refusal("not_found", name="entitlement_id", where="path")
    if one.owner == call.owner.id:
        return shown(world, one)
    gone = next((seen for owner, seen in reversed(one.past) if owner == call.owner.id), None)
    if gone is None and world.fault == "owned_leaks":
        return shown(world, one)
    if gone is None:
        raise Refusal("not_found", name="entitlement_id", where="path")
    return gone | ({"status": "active"} if world.fault == "transfer_half_done" else {})


def own(world: World, call: Call) -> Owned:
    """The entitlement, for its owner's channel."""
    one = world.owned.get(call.parts["entitlement_id"])
    if one is None or one.owner != call.owner.id:
        raise Refusal("not_found", name="entitlement_id", where="path")
    return one


def get_entitlement(world: World, call: Call) -> Json:
    """One entitlement."""
    seen = visible(world, call)
    one = world.owned[seen["id"]]
    one.looks += 1
    if world.fault == "owned_out_of_turn" and seen["status"] == "revoked" and one.looks > 1:
        return seen | {"status": "suspended", "revision": seen["revision"] + 1}
    return seen


def _elsewhere(world: World, buyer: str) -> set[str]:
    """Her other accounts, whose things she lets this channel show."""
    account = world.accounts.get(buyer)
    if account is None:
        return set()
    one = consent.standing(world, account, "personalisation")
    given = one is not None and one.decision == "given" and not consent.ended(world, one)
    if world.fault != "owned_elsewhere" and not given:
        return set()
    among = one.among if one is not None else None
    others = buyers.together(world, account) - {buyer}
    if among is None:
        return others
    return {name for name in others if {account.owner, world.accounts[name].owner} <= among}


def list_entitlements(world: World, call: Call) -> Json:
    """What a buyer owns, newest first."""
    buyer = call.parts["buyer_id"]
    if owner_of(world, buyer) != call.owner.id:
        raise Refusal("not_found", name="buyer_id", where="path")
    hers, elsewhere = [], _elsewhere(world, buyer)
    for one in world.owned.values():
        past = [seen for _, seen in one.past if seen["buyer_id"] == buyer]
        if one.body["buyer_id"] == buyer:
            hers.append(Owned(one.owner, shown(world, one), one.rule, {}))
        elif past:
            hers.append(Owned(one.owner, past[-1], one.rule, {}))
        elif one.body["buyer_id"] in elsewhere:
            seen = shown(world, one) | {"buyer_id": buyer}
            mine = {name: value for name, value in seen.items() if name not in HIDDEN}
            hers.append(Owned(one.owner, mine, one.rule, {}))
    if world.fault == "owned_not_listed" and len(hers) > 2:
        hers = hers[1:]
    return paging.newest_first(world, call, hers)


def list_ownership_changes(world: World, call: Call) -> Json:
    """What became of it, oldest first."""
    visible(world, call)
    history = world.owned[call.parts["entitlement_id"]].history
    begin, size = paging.position(world, call) or 0, paging.limit(call)
    if world.fault == "history_forgets":
        history = history[1:]
    page: Json = {"items": history[begin : begin + size], "has_more": len(history) > begin + size}
    if page["has_more"]:
        page["next_cursor"] = paging.cursor(call, begin + size)
    return page


def consume_entitlement(world: World, call: Call) -> Json:
    """It is used up."""
    one = own(world, call)
    again = world.fault == "consumed_again" and one.body["status"] == "consumed"
    if one.body["status"] != "active" and not again:
        raise Refusal("entitlement_not_active")
    step(world, one, "consumed", call.trace_id)
    return shown(world, one)


def test_move_token(world: World, call: Call) -> None:
    """The chain has another owner."""
    found = world.deliveries.get(call.parts["delivery_id"])
    one = of_delivery(world, found) if found and found.body["kind"] == "token" else None
    if one is None:
        raise Refusal("not_found", name="delivery_id", where="path")
    if world.fault != "token_moved_unseen":
        step(world, one, "transferred", call.trace_id)
