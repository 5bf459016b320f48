"""Goods made on demand: asked of a supplier that behaves as test control says, and delivered or refunded."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from conformance.mini_gateway import delivery, orders
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Demand, Json, Order, World

PATIENCE = timedelta(days=1)


def wanted(world: World, order: Order) -> bool:
    """Whether anything of the order is made on demand."""
    return any(world.offers[line["offer_id"]].supplier for line in order.body["lines"])


def start(world: World, order: Order) -> None:
    """Note each unit that is to be made; it is asked for when the next request comes."""
    for line in order.body["lines"]:
        manner = world.offers[line["offer_id"]].supplier
        for unit in range(1, line["quantity"] + 1) if manner else ():
            world.demands.append(Demand(order, line, unit, manner, world.now()))


def work(world: World) -> None:
    """Ask for what is to be made, and end the orders of which nothing is open any more."""
    for one in world.demands:
        if one.state in ("waiting", "asked") and one.order.body["status"] == "fulfilling":
            _see_to(world, one)
    for order in {one.order.body["id"]: one.order for one in world.demands}.values():
        mine = [one for one in world.demands if one.order is order]
        if order.body["status"] == "fulfilling" and all(one.state in ("made", "refused") for one in mine):
            _end(world, order, mine)


def _see_to(world: World, one: Demand) -> None:
    late = world.now() >= one.since + PATIENCE
    if one.manner == "absent":
        if late and world.fault != "absent_forever":
            _refused(world, one)
    elif one.manner == "silent":
        one.state = "asked"
        if late and world.fault == "silent_refunded":
            _refused(world, one)
    elif one.manner == "refuses" or (one.manner == "alternates" and one.unit % 2 == 0):
        _refused(world, one)
    else:
        one.state = "made"
        token = world.offers[one.line["offer_id"]].kind == "token"
        wrong = "tokens_twice" if token else "lost_answers_twice"
        twice = one.manner == "forgetful" and world.fault == wrong
        for _ in range(2 if twice else 1):
            _deliver(world, one)


def _deliver(world: World, one: Demand) -> None:
    offer = world.offers[one.line["offer_id"]]
    delivery.make(world, one.order, one.line, offer, one.order.body["trace_id"])


def _refused(world: World, one: Demand) -> None:
    one.state = "refused"
    world.offers[one.line["offer_id"]].stock.take_back(1)
    if world.fault == "delivers_unmade" and one.manner == "alternates":
        _deliver(world, one)


def _end(world: World, order: Order, mine: list[Demand]) -> None:
    trace_id, lost = order.body["trace_id"], Counter(one.line["id"] for one in mine if one.state == "refused")
    units = {line["id"]: int(line["quantity"]) for line in order.body["lines"]}
    if not lost:
        if world.fault != "never_done":
            _move(world, order, "fulfilled", trace_id)
        return
    whole = lost.total() == sum(units.values())
    if not whole and world.fault == "part_given_up":
        whole, lost = True, Counter(units)
    if world.fault != "failed_unrefunded" or not whole or mine[0].manner == "absent":
        orders.instruct(world, order, lost, "fulfilment_failed")
    _move(world, order, "fulfilment_failed" if whole else "partially_refunded", trace_id)


def _move(world: World, order: Order, status: str, trace_id: str) -> None:
    if world.fault == "demand_untold":
        order.body |= {"status": status, "revision": order.body["revision"] + 1}
    else:
        orders.move(world, order, status, trace_id)


def cancel(world: World, order: Order, call: Call) -> Json:
    """Cancel an order of which nothing has been asked for; raises Refusal transition_not_allowed."""
    mine = [one for one in world.demands if one.order is order]
    asked = any(one.state != "waiting" for one in mine) or not mine
    if world.fault == "demand_uncancellable" or (asked and world.fault != "cancel_while_made"):
        raise Refusal("transition_not_allowed", "the goods are being made")
    for one in mine:
        one.state = "cancelled"
        world.offers[one.line["offer_id"]].stock.take_back(1)
    order.body["cancellation"] = {name: call.body[name] for name in ("reason",) if name in call.body}
    back = {line["id"]: int(line["quantity"]) for line in order.body["lines"]}
    orders.instruct(world, order, back, "cancelled")
    orders.move(world, order, "cancelled", call.trace_id)
    return order.body
