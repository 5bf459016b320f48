"""The goods: made ready when an order is fulfilled, opened on request."""

from __future__ import annotations

from datetime import timedelta

from conformance.mini_gateway import catalog, notes, ownership, paging, sealing, tokens
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Delivery, Json, Offer, Order, World


def weigh(world: World, offer: Offer, trace_id: str) -> None:
    """Tell when an offer can be bought again."""
    catalog.weigh(world, offer, trace_id)


def prepare(world: World, order: Order, trace_id: str) -> None:
    """One delivery for each unit, with its goods."""
    for line in order.body["lines"]:
        offer = world.offers[line["offer_id"]]
        offer.stock.sell(line["quantity"])
        if offer.supplier:
            continue
        short = world.fault == "one_delivery_short" and line["quantity"] == 2 and offer.stock.sold > 2
        for _ in range(line["quantity"] - short):
            make(world, order, line, offer, trace_id)


def make(
    world: World, order: Order, line: Json, offer: Offer, trace_id: str, replaces: str | None = None
) -> Delivery:
    """One delivery with its goods; `replaces` is the delivery in whose place it is."""
    body: Json = {
        "kind": offer.kind,
        "id": world.name("drop"),
        "line_id": line["id"],
        "order_id": order.body["id"],
        "reveal_count": 0,
        "status": "ready",
        "created_at": world.stamp(),
    }
    if replaces is not None:
        body["replaces"] = replaces
    if "recipient_key" in order.body and world.fault != "seal_unseen":
        body["sealed_to"] = order.body["recipient_key"]["kid"]
    made = world.deliveries[body["id"]] = Delivery(
        order.owner, body, _goods(world, order, line, offer, replaces)
    )
    ownership.issue(world, order, line, made, trace_id)
    if world.fault == "goods_in_orders" and offer.kind == "code" and offer.buyer_input is None:
        line["note"] = made.goods["code"]["value"]
    if world.fault != "no_delivery_events":
        notes.emit(world, order.owner, "delivery.ready", body["id"], 1, {"delivery": body}, trace_id)
    return made


def _goods(world: World, order: Order, line: Json, offer: Offer, replaces: str | None) -> Json:
    if offer.kind == "token":
        return tokens.minted(world, order, line)
    if offer.kind == "download":
        return {"kind": "download"}
    if offer.stock.kind == "codes":
        twice = world.fault == "codes_twice"
        if twice and replaces:  # the first in the pool has gone out
            offer.stock.pool.pop(0)
        code = offer.stock.pool[0]
        if not twice or len(offer.stock.pool) == 1:
            offer.stock.pool.pop(0)
    else:
        code = world.name("made").upper()
    if world.fault == "codes_changed":
        code = code.strip().upper()
    if offer.kind == "topup" and world.fault != "topup_as_code":
        return {"topup": {"receipt": code}, "kind": "topup"}
    return {"code": {"value": code}, "kind": "code"} if offer.kind != "licence" else _licence(code)


def _licence(code: str) -> Json:
    return {"licence": {"key": code}, "kind": "licence"}


def list_deliveries(world: World, call: Call) -> Json:
    """What there is to open for an order."""
    order = world.orders.get(call.parts["order_id"])
    if order is None or order.owner != call.owner.id:
        raise Refusal("not_found", name="order_id", where="path")
    mine = [d for d in world.deliveries.values() if d.body["order_id"] == order.body["id"]]
    if world.fault == "early_deliveries" and order.body["status"] == "payment_required":
        line = order.body["lines"][0]
        shown: Json = {
            "id": world.name("drop"),
            "line_id": line["id"],
            "order_id": order.body["id"],
            "kind": "code",
            "status": "ready",
            "reveal_count": 0,
            "created_at": world.stamp(),
        }
        return {"items": [shown], "has_more": False}
    return paging.newest_first(world, call, mine)


def reveal_delivery(world: World, call: Call) -> Json:
    """Open the goods."""
    found = world.deliveries.get(call.parts["delivery_id"])
    owned = ownership.of_delivery(world, found) if found else None
    owner = owned.owner if owned else found.owner if found else ""
    if found is None or (owner != call.owner.id and not _former(world, call, found)):
        raise Refusal("not_found", name="delivery_id", where="path")
    body = found.body
    if owned is not None and owned.rule == "until_revealed":
        owned.rule = "never"
    if body["status"] == "voided":
        raise Refusal("delivery_voided")
    order = world.orders[body["order_id"]]
    if world.fault != ("sealed_uncounted" if "recipient_key" in order.body else "reveals_uncounted"):
        body["reveal_count"] += 1
    body["status"] = "revealed"
    body.setdefault("revealed_at", world.stamp())
    shown = dict(body)
    if order.owner != call.owner.id and world.fault != "transfer_names_order":
        del shown["order_id"], shown["line_id"]
    return {"delivery": shown, "goods": sealing.wrap(world, order, body, _opened(world, call, found))}


def _former(world: World, call: Call, found: Delivery) -> bool:
    """Whether a channel that has no such delivery any more is served nevertheless."""
    return world.fault == "transfer_old_reveals" and found.owner == call.owner.id


def _opened(world: World, call: Call, found: Delivery) -> Json:
    goods = found.goods
    if goods["kind"] == "download":
        ends = world.now() + timedelta(hours=-1 if world.fault == "dead_links" else 1)
        url = f"{world.url}/mini/file/{found.body['id']}?until={int(ends.timestamp())}"
        return {"kind": "download", "download": {"expires_at": world.stamp(ends), "url": url}}
    if world.fault == "another_code" and found.body["reveal_count"] > 1:
        return {"kind": goods["kind"], goods["kind"]: {_member(goods): world.name("other").upper()}}
    if world.fault == "wrong_member" and goods["kind"] == "licence" and "sealed_to" not in found.body:
        return {"kind": "licence", "code": {"value": goods["licence"]["key"]}}
    return goods


def _member(goods: Json) -> str:
    return {"code": "value", "topup": "receipt"}.get(goods["kind"], "key")
