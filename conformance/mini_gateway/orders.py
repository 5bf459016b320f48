"""Orders: checked as a whole first, then made, so that a refusal changes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from conformance.mini_gateway import catalog, delivery, limits, making, notes, paging, sealing
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.cart import Line, cart
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Json, Order, World

DUE = timedelta(seconds=1800)


def create_order(world: World, call: Call) -> Json:
    """Order from holds or directly."""
    key = sealing.recipient(world, call)
    lines = cart(world, call)
    for line in lines:
        line.claim(world, call)
    return make(world, call, lines, **({} if key is None else {"recipient_key": key}))


def make(world: World, call: Call, lines: list[Line], **more: str | Json) -> Json:
    """The order of lines whose stock is taken; `more` are members of it."""
    body = call.body
    total = {"currency": lines[0].price["currency"], "amount": sum(line.total for line in lines)}
    if world.fault == "total_wrong" and len(lines) > 1:
        total["amount"] -= 1
    at = world.stamp()
    order: Json = {
        "reference": body["reference"],
        "id": world.name("sale"),
        "total": total,
        "lines": [_line(world, line) for line in lines],
        "status": "created",
        "revision": 1,
        "buyer": body["buyer"],
        "payment": {"amount": total, "status": "pending"} | _known(body["payment"], "method", "reference"),
        "updated_at": at,
        "created_at": at,
        "trace_id": "0" * 31 + "1" if world.fault == "order_traces" else call.trace_id,
    } | more
    if world.fault == "money_float":
        order["payment"]["amount"] = total | {"amount": total["amount"] / 100}
    record = Order(call.owner.id, order)
    world.orders[order["id"]] = record
    if body["payment"]["status"] == "collected":
        _paid(world, record, call.trace_id)
    else:
        order["payment"]["due_at"] = world.stamp(world.now() + DUE)
        move(world, record, "payment_required", call.trace_id)
    for line in lines:
        line.weigh(world, call.trace_id)
    return order


def _known(source: Json, *names: str) -> Json:
    return {name: source[name] for name in names if name in source}


def _line(world: World, line: Line) -> Json:
    body: Json = {
        "id": world.name("row"),
        "quantity": line.quantity,
        "offer_id": line.offer.id,
        "product_id": "thing_" + line.offer.id.split("_")[1],
        "unit_price": line.price,
        "total": {"currency": line.price["currency"], "amount": line.total},
    }
    if world.fault == "line_without_product":
        del body["product_id"]
    return body | _known(line.asked, "reservation_id", "buyer_input")


def move(world: World, order: Order, status: str, trace_id: str) -> None:
    """Put the order into another state, and tell its channel."""
    body = order.body
    body["status"] = status
    if world.fault != "order_revision_stays":
        body["revision"] += 1
    body["updated_at"] = world.stamp()
    order.changes += 1
    if world.fault != "pending_untold" or status != "payment_required":
        # of buyers without a locale only, as those who are erased later have one
        whole = world.fault == "input_in_events" and "locale" not in body["buyer"]
        data = {"order": body if whole else body | {"lines": _told(body["lines"])}}
        notes.emit(world, order.owner, "order.updated", body["id"], order.changes, data, trace_id)


def _told(lines: list[Json]) -> list[Json]:
    """Lines without what the buyer has given."""
    return [{name: value for name, value in line.items() if name != "buyer_input"} for line in lines]


def _paid(world: World, order: Order, trace_id: str) -> None:
    body = order.body
    body["payment"] |= {"status": "collected", "collected_at": world.stamp()}
    body["payment"].pop("due_at", None)
    two = (
        body["lines"][0]["quantity"] == 2
        and world.offers[body["lines"][0]["offer_id"]].stock.kind == "counted"
    )
    if world.fault == "paid_stays_paid" and two and body["status"] == "payment_required":
        move(world, order, "paid", trace_id)
        return
    held = "reservation_id" in body["lines"][0]
    if world.fault == "sold_not_fulfilled" and body["status"] == "created" and held:
        move(world, order, "fulfilling", trace_id)
        delivery.prepare(world, order, trace_id)
        return
    waits = making.wanted(world, order)
    early = world.fault == "early_fulfilled" and body["lines"][0]["quantity"] == 3
    move(world, order, "fulfilling" if waits and not early else "fulfilled", trace_id)
    delivery.prepare(world, order, trace_id)
    if waits:
        making.start(world, order)


def owned(world: World, call: Call) -> Order:
    """The caller's order; raises Refusal not_found."""
    order = world.orders.get(call.parts["order_id"])
    if order is not None and order.owner != call.owner.id and world.fault == "others_forbidden":
        raise Refusal("scope_missing", "this order is another channel's")
    if order is None or order.owner != call.owner.id:
        raise Refusal("not_found", name="order_id", where="path")
    return order


def get_order(world: World, call: Call) -> Json:
    """One order."""
    order = owned(world, call)
    order.reads += order.body["status"] == "expired"
    if world.fault == "expired_then_cancelled" and order.reads > 1:
        order.body["revision"] += 1
        return order.body | {"status": "cancelled"}
    return order.body


def list_orders(world: World, call: Call) -> Json:
    """The client's orders."""
    mine = [o for o in world.orders.values() if o.owner == call.owner.id]
    if world.fault == "order_reference_lost" and "reference" in call.query:
        mine = [o for o in mine if "allotment_id" in o.body]
    if world.fault == "sales_unlisted":
        mine = [o for o in mine if "allotment_id" not in o.body]
    return paging.newest_first(world, call, mine)


def confirm_payment(world: World, call: Call) -> Json:
    """Take the payment of a pending order."""
    order = owned(world, call)
    status, amount = order.body["status"], order.body["total"]
    if world.fault == "paid_after_cancel" and status == "cancelled":
        return order.body
    if status not in ("payment_required", "expired"):
        raise Refusal("transition_not_allowed", f"the order is {status}")
    given = call.body["amount"]
    same = (given["amount"], given["currency"]) == (amount["amount"], amount["currency"])
    if not same and world.fault != "any_amount":
        raise Refusal("amount_mismatch", pointer="/amount")
    if status == "expired" and not _take_anew(world, order):
        if world.fault == "late_silent":
            raise Refusal("transition_not_allowed", "the order is expired")
        order.body["payment"] |= {"status": "collected", "collected_at": world.stamp()}
        instruct(world, order, {line["id"]: line["quantity"] for line in order.body["lines"]}, "late_payment")
        move(world, order, "refunded", call.trace_id)
        return order.body
    order.body["payment"] |= _known(call.body, "method", "reference")
    _paid(world, order, call.trace_id)
    for line in order.body["lines"]:
        catalog.weigh(world, world.offers[line["offer_id"]], call.trace_id)
    return order.body


def _take_anew(world: World, order: Order) -> bool:
    """Take the lines' stock once more; False, and nothing taken, when it is not all there."""
    wanted: dict[str, int] = {}
    for line in order.body["lines"]:
        wanted[line["offer_id"]] = wanted.get(line["offer_id"], 0) + line["quantity"]
    found = [(world.offers[offer_id], quantity) for offer_id, quantity in wanted.items()]
    if not all(offer.stock.has(quantity, True) and not offer.withdrawn for offer, quantity in found):
        return False
    if not limits.late_allowed(world, order):
        return False
    if world.fault == "late_given_back":
        return False
    for offer, quantity in found:
        offer.stock.take(quantity, "/lines", True)
    return True


def instruct(world: World, order: Order, back: dict[str, int], reason: str, reference: str = "") -> Json:
    """Write the refund of so many units of each line into the order."""
    lines = [
        {
            "line_id": line["id"],
            "quantity": back[line["id"]],
            "amount": line["total"] | {"amount": line["unit_price"]["amount"] * back[line["id"]]},
        }
        for line in order.body["lines"]
        if back.get(line["id"])
    ]
    amount = order.body["total"] | {"amount": sum(line["amount"]["amount"] for line in lines)}
    if world.fault == "refund_amount_wrong" and reason == "buyer_request":
        amount["amount"] -= 1
    refund: Json = {
        "id": world.name("back"),
        "order_id": order.body["id"],
        "status": "instructed",
        "reason": reason,
        "lines": lines,
        "amount": amount,
        "instruction": {"action": "return_payment", "collected_by": "channel", "amount": amount},
        "created_at": world.stamp(),
    }
    if reference:
        refund["reference"] = reference
    order.body.setdefault("refunds", []).append(refund)
    return refund


def cancel_order(world: World, call: Call) -> Json:
    """Cancel an order that is not paid."""
    order = owned(world, call)
    status = order.body["status"]
    if status == "fulfilled" and world.fault == "cancel_fulfilled":
        return order.body
    if status == "fulfilling":
        return making.cancel(world, order, call)
    if status != "payment_required":
        raise Refusal("transition_not_allowed", f"the order is {status}")
    order.body["payment"]["status"] = "voided"
    order.body["cancellation"] = _known(call.body, "reason")
    _end(world, order, "cancelled", call.trace_id)
    return order.body


def _end(world: World, order: Order, status: str, trace_id: str) -> None:
    move(world, order, status, trace_id)
    if world.fault == f"{status}_order_keeps_stock":
        return
    for line in order.body["lines"]:
        offer = world.offers[line["offer_id"]]
        offer.stock.give_back(line["quantity"])
        delivery.weigh(world, offer, trace_id)


def expire_due(world: World) -> None:
    """End every pending order whose payment is due."""
    for order in world.orders.values():
        due = order.body["payment"].get("due_at")
        if order.body["status"] == "payment_required" and datetime.fromisoformat(due) <= world.now():
            order.body["payment"]["status"] = "voided"
            _end(world, order, "expired", order.body["trace_id"])
