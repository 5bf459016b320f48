"""Orders: made directly or from holds, paid, cancelled (spec/text/orders.md)."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core import (
    events,
    expiry,
    holds,
    late,
    life,
    limits,
    lines,
    pressure,
    sealing,
    stock,
    supplies,
    wire,
)
from gateway.core.delivery import hand_over, offer_of
from gateway.core.errors import ProtocolError, missing, refuse
from gateway.core.lines import LineRequest, PricedLine
from gateway.core.model import Call, Channel, Json, Offer, Order, OrderReference, Reservation, Unit
from gateway.core.ports import Books, Vault

PAYMENT_DUE = 1800  # seconds; fewer where most of a stock is held (INV-027)
MAX_AMOUNT = 9007199254740991  # what every JSON implementation can count (Money of spec/schemas/common.yaml)


@dataclass(frozen=True, slots=True)
class CreateOrder:
    """An order as the channel wants it. `payment` is the PaymentRequest, `recipient_key` what `sealing` accepted."""

    reference: str
    buyer: Json
    lines: tuple[LineRequest, ...]
    payment: Json
    recipient_key: Json | None = None

    @classmethod
    def from_wire(cls, body: Json, seals: bool = True) -> CreateOrder:
        """From a valid OrderRequest; `seals`: whether the gateway offers to. Raises as `sealing.accept` does."""
        wanted = tuple(LineRequest.from_wire(line) for line in body["lines"])
        key = sealing.accept(body.get("recipient_key"), seals)
        return cls(body["reference"], wire.buyer(body["buyer"]), wanted, body["payment"], key)


def prepare_order(books: Books, call: Call, cmd: CreateOrder) -> None:
    """Note what `create_order` will read first, so that it is loaded in one round."""
    books.need(OrderReference, (call.channel_id, cmd.reference))
    books.need(Channel, (call.channel_id,))
    books.need(Reservation, *((line.reservation_id,) for line in cmd.lines if line.reservation_id))
    for line in cmd.lines:
        offer = books.peek(Offer, line.offer_id)
        if offer is not None:
            stock.prepare(books, offer.stock_id, line.quantity)


def create_order(books: Books, vault: Vault, call: Call, cmd: CreateOrder) -> Order:
    """Sell all lines or none (ORD-024): fulfilled at once when the payment is collected, else kept until it is due.

    Raises ProtocolError `reference_in_use`, `currency_mixed`, `hold_limit_reached`, or what `lines.price_all`,
    `limits.count` and `stock.sell` raise.
    """
    _claim_reference(books, call, cmd)
    priced = lines.price_all(books, call, cmd.buyer, cmd.lines)
    created = limits.count_order(books, new_order(books, call, cmd, priced), priced)
    books.put(OrderReference(call.channel_id, cmd.reference, created.id))
    if cmd.payment["status"] == "pending":
        return _await_payment(books, call, created, priced)
    units = [_sell(books, call, created.id, line, f"/lines/{n}") for n, line in enumerate(priced)]
    collected = {**created.payment, "status": "collected", "collected_at": wire.timestamp(call.now)}
    return fulfil(books, vault, call, created, collected, units)


def confirm_payment(books: Books, vault: Vault, call: Call, order_id: str, confirmation: Json) -> Order:
    """Take a waiting order's money, and fulfil it (ORD-013). `confirmation` is a valid PaymentConfirmation.

    One that has expired is fulfilled from new stock (ORD-035), or refunded where there is none (ORD-036).
    Raises ProtocolError `not_found`, `transition_not_allowed` (ORD-016) or `amount_mismatch` (ORD-014).
    """
    order = own_order(books, call, order_id)
    if expiry.expire_order(books, call, order_id):
        order = own_order(books, call, order_id)
    life.advance(order, call.now, "collect_payment")
    amount = confirmation["amount"]
    if (amount["amount"], amount["currency"]) != (order.total_amount, order.currency):
        total = f"{order.total_amount} {order.currency}"
        raise refuse("amount_mismatch", "/amount", f"The order's total is {total}, in minor units.")
    payment = {name: value for name, value in order.payment.items() if name != "due_at"}
    payment |= {**_told(confirmation), "status": "collected", "collected_at": wire.timestamp(call.now)}
    if order.status != "expired":
        units = [_sell_held(books, call, order.id, hold) for hold in expiry.order_holds(books, order)]
        return fulfil(books, vault, call, order, payment, units)
    taken = late.take_anew(books, call, order)
    if taken is None:
        return late.give_back(books, call, order, payment)
    counted, units = taken
    return fulfil(books, vault, call, counted, payment, units)


def cancel_order(books: Books, call: Call, order_id: str, reason: str | None = None) -> Order:
    """Cancel an order that is not paid, and return its stock to sale (ORD-017); or one whose goods nobody makes yet.

    Raises ProtocolError `not_found` or `transition_not_allowed` (ORD-018, ORD-057).
    """
    order = own_order(books, call, order_id)
    if order.status == "fulfilling":
        return supplies.cancel(books, call, order, reason)
    _refuse_late(order, call)
    cancelled = life.advance(
        order,
        call.now,
        "cancel",
        cancellation={} if reason is None else {"reason": reason},
        payment={**order.payment, "status": "voided"},
        payment_due_at=None,
    )
    books.put(cancelled)
    for hold in expiry.order_holds(books, order):
        holds.release(books, call, hold)
    events.order_updated(books, call, cancelled)
    return cancelled


def _claim_reference(books: Books, call: Call, cmd: CreateOrder) -> None:
    if books.get(OrderReference, call.channel_id, cmd.reference) is not None:
        raise refuse("reference_in_use", "/reference", "Another order has this reference.")


def new_order(books: Books, call: Call, cmd: CreateOrder, priced: list[PricedLine]) -> Order:
    """The order as it begins. Raises ProtocolError `currency_mixed`, or `invalid` for a total above MAX_AMOUNT."""
    currencies = {line.currency for line in priced}
    if len(currencies) > 1:
        raise refuse("currency_mixed", "/lines", "All lines of an order are in one currency.")
    currency, total = currencies.pop(), sum(line.total for line in priced)
    if total > MAX_AMOUNT:
        raise refuse("invalid", "/lines", f"The total is above {MAX_AMOUNT} minor units.")
    payment = _told(cmd.payment)
    return Order(
        id=books.new_id("ord"),
        channel_id=call.channel_id,
        reference=cmd.reference,
        status="created",
        revision=1,
        buyer=cmd.buyer,
        lines=[line.render(books.new_id("ln")) for line in priced],
        total_amount=total,
        currency=currency,
        payment={"amount": wire.money(total, currency), **payment},
        payment_due_at=None,
        cancellation=None,
        created_at=call.now,
        updated_at=call.now,
        trace_id=call.trace_id,
        recipient_key=cmd.recipient_key,
        buyer_reference=cmd.buyer["reference"],
    )


def _await_payment(books: Books, call: Call, created: Order, priced: list[PricedLine]) -> Order:
    """Keep the stock under the order's name until the payment is due (ORD-012)."""
    kept = [_keep(books, call, created, line, n) for n, line in enumerate(priced)]
    due_at = min(hold.expires_at for hold in kept)
    kept = [holds.until(books, hold, due_at) for hold in kept]
    waiting = life.advance(
        created,
        call.now,
        "await_payment",
        payment={**created.payment, "status": "pending", "due_at": wire.timestamp(due_at)},
        payment_due_at=due_at,
        holds=[hold.id for hold in kept],
    )
    books.put(waiting)
    events.order_updated(books, call, waiting)
    return waiting


def _keep(books: Books, call: Call, order: Order, line: PricedLine, index: int) -> Reservation:
    if line.hold is not None:
        return holds.pass_on(books, call, line.hold, order.id, PAYMENT_DUE)
    expiry.make_room(books, call, line.offer.stock_id, line.quantity)
    return holds.open_hold(
        books,
        call,
        line.offer,
        line.quantity,
        order.buyer,
        PAYMENT_DUE,
        pressure.PAYMENT_FLOOR,
        order_id=order.id,
        counted=(order.counted or {}).get(order.lines[index]["id"]),
        pointer=f"/lines/{index}/quantity",
    )


def _sell(books: Books, call: Call, order_id: str, line: PricedLine, pointer: str) -> list[Unit]:
    if line.hold is not None:
        return _sell_held(books, call, order_id, line.hold)
    expiry.make_room(books, call, line.offer.stock_id, line.quantity)
    return stock.sell(books, call, line.offer.stock_id, line.quantity, order_id, f"{pointer}/quantity")


def _sell_held(books: Books, call: Call, order_id: str, hold: Reservation) -> list[Unit]:
    holds.consume(books, call, hold, order_id)
    return stock.sell_reserved(books, call, hold.stock_id, hold.quantity, order_id, hold.id)


def fulfil(
    books: Books, vault: Vault, call: Call, order: Order, payment: Json, units: list[list[Unit]]
) -> Order:
    """Paid, handed over and fulfilled in one transaction (ORD-001); `units` by line, empty lists without a pool.

    What is made on demand is asked of its supplier after the commit; until it is there the order waits (ORD-050).
    """
    offers = [offer_of(books, line["offer_id"]) for line in order.lines]
    waits = any(offer.supplier for offer in offers)
    steps = ("collect_payment", "start_fulfilment", *(() if waits else ("complete_fulfilment",)))
    paid = life.advance(order, call.now, *steps, payment=payment, payment_due_at=None)
    books.put(paid)
    events.order_updated(books, call, paid)
    hand_over(books, vault, call, paid, units)
    if waits:
        supplies.start(books, call, paid, offers)
    return paid


def _told(payment: Json) -> Json:
    """What the channel says of a payment, for the books only."""
    known: tuple[str, ...] = ("method", "reference")
    return {name: payment[name] for name in known if name in payment}


def _refuse_late(order: Order, call: Call) -> None:
    """From the instant its payment was due an order is as good as expired, swept or not (ORD-015)."""
    if expiry.payment_is_late(order, call):
        raise ProtocolError("transition_not_allowed", "The order's payment was due and it has expired.")


def own_order(books: Books, call: Call, order_id: str) -> Order:
    """The caller's order, locked. Raises ProtocolError `not_found`, also for another channel's (AUT-011)."""
    order = books.get(Order, order_id)
    if order is None or order.channel_id != call.channel_id:
        raise missing("order_id")
    return order
