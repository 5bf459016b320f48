"""Deliveries: one for each unit of a fulfilled order, opened under audit (spec/text/delivery.md)."""

from __future__ import annotations

from collections import Counter

from gateway.core import events, goods, ownership, stock
from gateway.core.errors import ProtocolError, missing
from gateway.core.model import Call, Delivery, Offer, Order, Reveal, Revealed, Unit
from gateway.core.ports import Books, Vault
from gateway.core.rows import replace

REPLAY = "idempotent_replay"  # the reason in the audit row when an earlier answer was given again


def hand_over(books: Books, vault: Vault, call: Call, order: Order, units: list[list[Unit]]) -> None:
    """Make the deliveries of an order that is being fulfilled (DLV-001, DLV-002, DLV-006).

    `units` by line: a pool's units, each given to one delivery; a line without a pool gets what is made for it. What
    is made on demand comes later, by `hand_over_made`.
    """
    for line, taken in zip(order.lines, units, strict=True):
        offer = offer_of(books, line["offer_id"])
        if offer.supplier is not None:
            continue
        for index in range(line["quantity"]):
            unit = taken[index] if taken else None
            made = _delivery(books, vault, call, order, line["id"], offer, unit)
            _hand_over_one(books, vault, call, order, offer, made)


def hand_over_made(
    books: Books, vault: Vault, call: Call, order: Order, line_id: str, offer: Offer, made: str
) -> Delivery:
    """Make the delivery of a unit that a supplier has made; `made` is sealed under the delivery's id (DLV-040)."""
    delivery = _delivery(books, vault, call, order, line_id, offer, None, made)
    return _hand_over_one(books, vault, call, order, offer, delivery)


def replace_delivery(
    books: Books, vault: Vault, call: Call, order: Order, old: Delivery, offer: Offer, units: list[Unit]
) -> tuple[Delivery, Delivery]:
    """Void a delivery and make one in its place (ORD-032): both as they are now, the old one first.

    It is the same that the buyer owns (OWN-008).
    """
    owned = ownership.of_deliveries(books, [old]).get(old.id)
    voided = withdraw(books, call, order, [old])[0]
    made = _delivery(books, vault, call, order, old.line_id, offer, units[0] if units else None)
    made = replace(made, replaces=old.id)
    if owned is None:
        return voided, _hand_over_one(books, vault, call, order, offer, made)
    ownership.replaced(books, call, owned, made.id)
    return voided, _put(books, call, replace(made, entitlement_id=owned.id))


def of_order(books: Books, order_id: str) -> list[Delivery]:
    """The deliveries of an order that are not voided, in the order of their making."""
    ids = books.order_deliveries(order_id)
    books.need(Delivery, *((one,) for one in ids))
    found = [books.get(Delivery, one) for one in ids]
    return [one for one in found if one is not None and one.status != "voided"]


def withdraw(books: Books, call: Call, order: Order, chosen: list[Delivery]) -> list[Delivery]:
    """Void deliveries with their units; none is opened or sold again (ORD-026, ORD-027). They are given as they are."""
    books.need(Unit, *((one.unit_id,) for one in chosen if one.unit_id))
    offer_of_line = {line["id"]: line["offer_id"] for line in order.lines}
    counts = Counter(offer_of_line[one.line_id] for one in chosen)
    for offer_id, quantity in counts.items():
        stock.take_back(books, call, offer_of(books, offer_id).stock_id, quantity, order.id)
    for one in chosen:
        unit = books.get(Unit, one.unit_id) if one.unit_id else None
        if unit is not None:
            books.put(replace(unit, state="voided"))
    voided = [replace(one, status="voided") for one in chosen]
    for one in voided:
        books.put(one)
    return voided


def offer_of(books: Books, offer_id: str) -> Offer:
    """The offer of an order's line, which always exists."""
    offer = books.get(Offer, offer_id)
    if offer is None:
        raise LookupError(f"offer {offer_id} of an order does not exist")
    return offer


def reveal_delivery(
    books: Books, vault: Vault, call: Call, delivery_id: str, reason: str | None = None
) -> Revealed:
    """Open the goods; every opening is counted and leaves an audit row (DLV-007, DLV-009).

    Raises ProtocolError `not_found` or `delivery_voided`.
    """
    delivery = _own(books, call, delivery_id)
    if delivery.status == "voided":
        raise ProtocolError("delivery_voided", "What was delivered here has been taken back.")
    opened = replace(
        delivery,
        status="revealed",
        reveal_count=delivery.reveal_count + 1,
        revealed_at=delivery.revealed_at or call.now,
    )
    books.put(opened)
    if delivery.reveal_count == 0 and delivery.entitlement_id is not None:
        ownership.revealed(books, call, delivery.entitlement_id)
    _audit(books, call, opened, reason)
    return Revealed(_as_seen(books, opened), goods.open_goods(books, vault, call, delivery))


def note_replay(books: Books, call: Call, delivery_id: str) -> None:
    """Leave the audit row of an answer that is given again; the delivery itself stays as it is (IDM-002)."""
    _audit(books, call, _own(books, call, delivery_id), REPLAY)


def _hand_over_one(
    books: Books, vault: Vault, call: Call, order: Order, offer: Offer, delivery: Delivery
) -> Delivery:
    owned = ownership.issue(books, vault, call, order, offer, delivery)
    return _put(books, call, replace(delivery, entitlement_id=owned.id))


def _put(books: Books, call: Call, delivery: Delivery) -> Delivery:
    books.put(delivery)
    events.delivery_ready(books, call, delivery)
    return delivery


def _delivery(
    books: Books,
    vault: Vault,
    call: Call,
    order: Order,
    line_id: str,
    offer: Offer,
    unit: Unit | None,
    made: str | None = None,
) -> Delivery:
    delivery_id = books.new_id("dlv")
    sealed, key_id = goods.put_in(books, vault, order, offer, unit, delivery_id, made)
    return Delivery(
        id=delivery_id,
        order_id=order.id,
        line_id=line_id,
        channel_id=order.channel_id,
        kind=offer.delivery_kind,
        status="ready",
        unit_id=unit.id if unit else None,
        sealed=sealed,
        key_id=key_id,
        reveal_count=0,
        revealed_at=None,
        created_at=call.now,
        sealed_to=order.recipient_key["kid"] if order.recipient_key else None,
    )


def _audit(books: Books, call: Call, delivery: Delivery, reason: str | None) -> None:
    books.put(
        Reveal(
            id=books.new_id("rev"),
            delivery_id=delivery.id,
            order_id=delivery.order_id,
            channel_id=call.channel_id,
            reason=reason,
            request_id=call.request_id,
            trace_id=call.trace_id,
            at=call.now,
        )
    )


def _as_seen(books: Books, delivery: Delivery) -> Delivery:
    """Without the order where that is another channel's: the goods were handed on (OWN-036)."""
    order = books.get(Order, delivery.order_id)
    own = order is not None and order.channel_id == delivery.channel_id
    return delivery if own else replace(delivery, order_id="", line_id="")


def _own(books: Books, call: Call, delivery_id: str) -> Delivery:
    delivery = books.get(Delivery, delivery_id)
    if delivery is None or delivery.channel_id != call.channel_id:
        raise missing("delivery_id")
    return delivery
