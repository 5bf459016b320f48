"""After the sale: refunds, replacements, disputes."""

from __future__ import annotations

from conformance.mini_gateway import catalog, delivery, orders, ownership, paging
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Delivery, Json, Order, World

REASONS = ("buyer_request", "goods_faulty", "dispute", "other")
REFUNDABLE = ("fulfilled", "partially_refunded", "disputed")


def _left(order: Order) -> dict[str, int]:
    rest = {line["id"]: int(line["quantity"]) for line in order.body["lines"]}
    for refund in order.body.get("refunds", []):
        for line in refund["lines"]:
            rest[line["line_id"]] -= line["quantity"]
    return {line_id: count for line_id, count in rest.items() if count > 0}


def create_refund(world: World, call: Call) -> Json:
    """Take goods back, then say that the money is to be returned."""
    order, body = orders.owned(world, call), call.body
    if world.fault == "strict_enums" and body["reason"] not in REASONS:
        raise Refusal("invalid", pointer="/reason")
    status = order.body["status"]
    early = world.fault == "refund_pending" and status == "payment_required"
    if status not in REFUNDABLE and not early:
        raise Refusal("transition_not_allowed", f"the order is {status}")
    left = _left(order)
    back = dict(left)
    if "lines" in body:
        back = {}
        for number, line in enumerate(body["lines"]):
            back[line["line_id"]] = back.get(line["line_id"], 0) + line["quantity"]
            over = back[line["line_id"]] > left.get(line["line_id"], 0)
            if over and world.fault != "refund_without_end":
                raise Refusal("exceeds_order", pointer=f"/lines/{number}/quantity")
    if any(_gone(world, one) for name, count in back.items() for one in _chosen(world, order, name, count)):
        raise Refusal("entitlement_transferred", pointer="/lines")
    if not early:
        _take_back(world, order, back, call.trace_id)
    refund = orders.instruct(world, order, back, body["reason"], body.get("reference", ""))
    if early:
        return refund
    part = bool(_left(order))
    after = "partially_refunded" if part else "refunded"
    orders.move(world, order, "fulfilled" if part and world.fault == "part_unseen" else after, call.trace_id)
    return refund


def _take_back(world: World, order: Order, back: dict[str, int], trace_id: str) -> None:
    for line in order.body["lines"]:
        chosen = _chosen(world, order, line["id"], back.get(line["id"], 0))
        for one in chosen:
            if world.fault != "refund_keeps_goods" or any(_gone(world, d) for d in _living(world, order)):
                one.body["status"] = "voided"
            owned = ownership.of_delivery(world, one)
            if owned is not None:
                ownership.step(world, owned, "revoked", trace_id)
        offer = world.offers[line["offer_id"]]
        offer.stock.take_back(len(chosen), world.fault == "refund_resells")
        catalog.weigh(world, offer, trace_id)


def _chosen(world: World, order: Order, line_id: str, count: int) -> list[Delivery]:
    """So many deliveries of a line: what is still the buyer's first, and of that what was never opened."""
    mine = [d for d in _living(world, order) if d.body["line_id"] == line_id]
    mine.sort(key=lambda d: (_gone(world, d), int(d.body["reveal_count"])))
    return mine[:count]


def _gone(world: World, one: Delivery) -> bool:
    owned = ownership.of_delivery(world, one)
    return owned is not None and owned.period > 1 and world.fault != "transfer_refunded"


def _living(world: World, order: Order) -> list[Delivery]:
    mine = [d for d in world.deliveries.values() if d.body["order_id"] == order.body["id"]]
    return [d for d in mine if d.body["status"] != "voided"]


def list_refunds(world: World, call: Call) -> Json:
    """The order's refunds, oldest first."""
    order = orders.owned(world, call)
    begin, size = paging.position(world, call) or 0, paging.limit(call)
    found = order.body.get("refunds", [])
    if world.fault == "refunds_unlisted":
        found = [one for one in found if one["reason"] == "late_payment"]
    page: Json = {"items": found[begin : begin + size], "has_more": len(found) > begin + size}
    if page["has_more"]:
        page["next_cursor"] = paging.cursor(call, begin + size)
    return page


def create_replacement(world: World, call: Call) -> Json:
    """Another unit in place of one that does not work."""
    order, body = orders.owned(world, call), call.body
    old = world.deliveries.get(body["delivery_id"])
    if old is None or old.body["order_id"] != order.body["id"]:
        raise Refusal("not_found", pointer="/delivery_id")
    if order.body["status"] not in REFUNDABLE[:2]:
        raise Refusal("transition_not_allowed")
    if old.body["status"] == "voided":
        raise Refusal("delivery_voided")
    if _gone(world, old):
        raise Refusal("entitlement_transferred", pointer="/delivery_id")
    line = next(one for one in order.body["lines"] if one["id"] == old.body["line_id"])
    offer = world.offers[line["offer_id"]]
    if world.fault == "replaced_by_nothing" and not offer.stock.has(1, True):
        old.body["status"] = "voided"
    offer.stock.take(1, "/delivery_id", True)
    offer.stock.sell(1)
    offer.stock.take_back(1)
    voided = old.body
    voided["status"] = voided["status"] if world.fault == "replaced_stays" else "voided"
    made = delivery.make(world, order, line, offer, call.trace_id, voided["id"])
    catalog.weigh(world, offer, call.trace_id)
    return {
        "order_id": order.body["id"],
        "reason": body["reason"],
        "voided": dict(voided),
        "delivery": dict(made.body),
    }


def create_dispute(world: World, call: Call) -> Json:
    """The payment is contested."""
    order, body = orders.owned(world, call), call.body
    if order.body["status"] not in REFUNDABLE[:2]:
        raise Refusal("transition_not_allowed", f"the order is {order.body['status']}")
    total: Json = order.body["total"]
    amount: Json = body.get("amount") or total
    if amount["currency"] != total["currency"] or amount["amount"] > total["amount"]:
        raise Refusal("exceeds_order", pointer="/amount")
    dispute: Json = {
        "id": world.name("case"),
        "order_id": order.body["id"],
        "status": "open",
        "reason": body["reason"],
        "amount": amount,
        "created_at": world.stamp(),
    }
    if "evidence" in body:
        dispute["evidence"] = body["evidence"]
    if world.fault != "dispute_unseen" or "evidence" not in body:
        order.body["disputes"] = [*order.body.get("disputes", []), dispute]
        orders.move(world, order, "disputed", call.trace_id)
    for one in ownership.of_order(world, order):
        ownership.step(world, one, "suspended", call.trace_id)
    return dispute


def test_dismiss_dispute(world: World, call: Call) -> None:
    """The merchant finds that the payment stands."""
    order = world.orders.get(call.parts["order_id"])
    if order is None:
        raise Refusal("not_found", name="order_id", where="path")
    if order.body["status"] != "disputed":
        raise Refusal("transition_not_allowed", f"the order is {order.body['status']}")
    end = {"status": "dismissed", "resolved_at": world.stamp()}
    order.body["disputes"] = [one | end if one["status"] == "open" else one for one in order.body["disputes"]]
    after = "partially_refunded" if order.body.get("refunds") else "fulfilled"
    orders.move(world, order, after, call.trace_id)
    for one in ownership.of_order(world, order):
        ownership.step(world, one, "active", call.trace_id)
