"""After the sale: refunds, replacements and disputes (spec/text/orders.md). Goods first, money second."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from gateway.core import delivery, events, expiry, life, limits, ownership, refunds, stock, wire
from gateway.core.errors import ProtocolError, missing, refuse
from gateway.core.model import Call, Delivery, Json, Offer, Order
from gateway.core.orders import own_order
from gateway.core.ports import Books, Vault
from gateway.core.rows import replace

REPLACEABLE = frozenset({"fulfilled", "partially_refunded"})


@dataclass(frozen=True, slots=True)
class CreateRefund:
    """What is to be taken back: (line id, quantity) for each, or None for all that is left."""

    lines: tuple[tuple[str, int], ...] | None
    reason: str
    reference: str | None = None

    @classmethod
    def from_wire(cls, body: Json) -> CreateRefund:
        """From a valid RefundRequest."""
        lines = body.get("lines")
        wanted = None if lines is None else tuple((line["line_id"], int(line["quantity"])) for line in lines)
        return cls(wanted, body["reason"], body.get("reference"))


def create_refund(books: Books, call: Call, order_id: str, cmd: CreateRefund) -> Json:
    """Take goods back and give the Refund with the instruction for their money (ORD-025 to ORD-031).

    Raises ProtocolError `not_found`, `transition_not_allowed`, `exceeds_order`, or `entitlement_transferred` (OWN-034).
    """
    order = own_order(books, call, order_id)
    life.advance(order, call.now, "refund_all")  # only to refuse what can be refunded in no way
    back = _wanted(cmd, refunds.left(order))
    return _take_back(books, call, order, back, cmd.reason, cmd.reference).refunds[-1]


def create_replacement(
    books: Books, vault: Vault, call: Call, order_id: str, delivery_id: str
) -> tuple[Delivery, Delivery]:
    """Void a delivery and give another of the same stock in its place: both, the voided one first (ORD-032).

    Raises ProtocolError `not_found`, `transition_not_allowed`, `delivery_voided`, `out_of_stock` (ORD-033), or
    `entitlement_transferred` (OWN-034).
    """
    order = own_order(books, call, order_id)
    old = books.get(Delivery, delivery_id)
    if old is None or old.order_id != order.id:
        raise refuse("not_found", "/delivery_id", "The order has no such delivery.")
    if order.status not in REPLACEABLE:
        raise ProtocolError("transition_not_allowed", f"Nothing of a {order.status} order can be replaced.")
    if old.status == "voided":
        raise ProtocolError("delivery_voided", "What was delivered here has been taken back.")
    if ownership.handed_on(ownership.of_deliveries(books, [old]).get(old.id)):
        raise refuse("entitlement_transferred", "/delivery_id", "It is another buyer's now.")
    line = next(one for one in order.lines if one["id"] == old.line_id)
    offer = delivery.offer_of(books, line["offer_id"])
    if offer.supplier is not None:
        raise refuse("out_of_stock", "/delivery_id", "What is made on demand is refunded, not replaced.")
    expiry.make_room(books, call, offer.stock_id, 1)
    # the safety stock is there for this (ORD-046)
    units = stock.sell(books, call, offer.stock_id, 1, order.id, "/delivery_id", whole=True)
    return delivery.replace_delivery(books, vault, call, order, old, offer, units)


def create_dispute(books: Books, call: Call, order_id: str, body: Json) -> Json:
    """Note that the payment is contested; `body` is a valid DisputeRequest (ORD-034). Gives the Dispute.

    Raises ProtocolError `not_found`, `transition_not_allowed` or `exceeds_order`.
    """
    order = own_order(books, call, order_id)
    disputed = life.advance(order, call.now, "dispute")
    total = wire.money(order.total_amount, order.currency)
    amount = {name: body.get("amount", total)[name] for name in total}
    if amount["currency"] != order.currency or amount["amount"] > order.total_amount:
        detail = f"The order's total is {order.total_amount} {order.currency}, in minor units."
        raise refuse("exceeds_order", "/amount", detail)
    dispute: Json = {
        "id": books.new_id("dsp"),
        "order_id": order.id,
        "status": "open",
        "reason": body["reason"],
        "amount": amount,
        "created_at": wire.timestamp(call.now),
    }
    dispute |= {name: body[name] for name in ("evidence",) if name in body}
    _put(books, call, replace(disputed, disputes=[*order.disputes, dispute]))
    ownership.each(books, call, delivery.of_order(books, order.id), "suspend")
    return dispute


def resolve_dispute(books: Books, call: Call, order_id: str, refund: bool) -> Order:
    """The merchant's decision: dismiss the dispute, or take all goods back and have the money returned.

    Raises ProtocolError `not_found`, or `transition_not_allowed` for an order that is not disputed.
    """
    order = books.get(Order, order_id)
    if order is None:
        raise missing("order_id")
    step = "resolve_dispute_in_part" if order.refunds else "resolve_dispute"
    dismissed = life.advance(order, call.now, step, disputes=_settled(order, call, "dismissed"))
    if refund:
        return _take_back(books, call, order, refunds.left(order), "dispute", forced=True)
    ownership.each(books, call, delivery.of_order(books, order.id), "resume")
    return _put(books, call, dismissed)


def _wanted(cmd: CreateRefund, rest: dict[str, int]) -> dict[str, int]:
    if cmd.lines is None:
        return rest
    wanted: Counter[str] = Counter()
    for index, (line_id, quantity) in enumerate(cmd.lines):
        wanted[line_id] += quantity
        have = rest.get(line_id, 0)
        if wanted[line_id] > have:
            detail = f"{have} of this line are left, {wanted[line_id]} were asked for."
            raise refuse("exceeds_order", f"/lines/{index}/quantity", detail)
    return dict(wanted)


def _take_back(
    books: Books,
    call: Call,
    order: Order,
    back: dict[str, int],
    reason: str,
    reference: str | None = None,
    forced: bool = False,
) -> Order:
    """Void the deliveries with what is owned of them, then write the instruction.

    `forced`: also what another buyer has by now, who loses it; only the merchant's decision on a dispute does that.
    """
    books.need(Offer, *((line["offer_id"],) for line in order.lines))
    chosen = _choose(books, order, back, forced)
    delivery.withdraw(books, call, order, chosen)
    ownership.each(books, call, chosen, "revoke")
    for line_id, count in back.items():
        limits.give_back(books, (order.counted or {}).get(line_id), count)
    whole = back == refunds.left(order)
    refund = refunds.instruct(books, call, order, back, reason, reference)
    settled = _settled(order, call, "refunded") if whole else order.disputes
    step, kept = "refund_all" if whole else "refund_part", [*order.refunds, refund]
    return _put(books, call, life.advance(order, call.now, step, refunds=kept, disputes=settled))


def _choose(books: Books, order: Order, back: dict[str, int], forced: bool) -> list[Delivery]:
    """So many deliveries of each line: the buyer's own first, and of those what was neither used up nor opened."""
    there = delivery.of_order(books, order.id)
    owned = ownership.of_deliveries(books, there)
    gone = {one.id for one in there if ownership.handed_on(owned.get(one.id))}
    used = {one.delivery_id for one in owned.values() if one.status == "consumed"}
    there.sort(key=lambda one: (one.id in gone, one.id in used, one.reveal_count > 0, one.id))
    chosen: list[Delivery] = []
    for line_id, count in back.items():
        chosen += [one for one in there if one.line_id == line_id][:count]
    if not forced and any(one.id in gone for one in chosen):
        raise refuse("entitlement_transferred", "/lines", "Some of it is another buyer's now.")
    return chosen


def _settled(order: Order, call: Call, status: str) -> list[Json]:
    end: Json = {"status": status, "resolved_at": wire.timestamp(call.now)}
    return [one | end if one["status"] == "open" else one for one in order.disputes]


def _put(books: Books, call: Call, order: Order) -> Order:
    books.put(order)
    events.order_updated(books, call, order)
    return order
