"""A gateway's rules over some store, with a clock to turn and short words for what tests do."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

import pytest

import spec
from gateway.core import (
    aftersale,
    allotments,
    clients,
    delivery,
    inventory,
    orders,
    sales,
    sandbox,
    stock,
    wire,
)
from gateway.core.errors import ProtocolError
from gateway.core.model import (
    Call,
    Channel,
    Delivery,
    Event,
    HoldCount,
    Movement,
    Offer,
    Order,
    Reservation,
    Row,
    Stock,
    Unit,
)
from gateway.core.model_allotments import Allotment
from gateway.core.ports import Books, Vault
from gateway.core.privacy import DataUse
from gateway.storage.tables import COUNTERS

T = TypeVar("T")
R = TypeVar("R", bound=Row)
EUR10 = {"amount": 1000, "currency": "EUR"}
BEGIN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Store(Protocol):
    """Where a world keeps its books."""

    async def run(self, operation: Callable[[Books], T]) -> T: ...

    async def rows(self, kind: type[R]) -> list[R]: ...


@dataclass
class World:
    """One gateway. `now` is its clock."""

    store: Store
    vault: Vault
    now: datetime = BEGIN
    calls: int = field(default=0)

    def call(self, channel: str = "", key: str | None = None, trace_id: str | None = None) -> Call:
        """A request of this channel, now, in a trace of its own."""
        self.calls += 1
        trace = trace_id or secrets.token_hex(16)
        parent = f"00-{trace}-{secrets.token_hex(8)}-01"
        return Call(channel, self.now, parent, trace, f"req_{self.calls}", key)

    def advance(self, seconds: float) -> None:
        """Turn the clock."""
        self.now += timedelta(seconds=seconds)

    async def run(self, operation: Callable[[Books], T]) -> T:
        """Run a rule in a transaction."""
        return await self.store.run(operation)

    async def rows(self, kind: type[R]) -> list[R]:
        """All rows of a kind."""
        return await self.store.rows(kind)

    async def channel(self, **members: Any) -> Channel:
        """A new channel, with an events URL."""
        cmd = clients.NewClient(name="Shop", **{"events_url": "http://127.0.0.1:1/events", **members})
        made = await self.run(lambda books: clients.register_client(books, self.vault, self.call(), cmd))
        return made.channel

    async def offer(self, **members: Any) -> Offer:
        """A new offer at ten euros; with `codes`, `quantity`, or unlimited."""
        body = {"product_name": "Nebula Drift", "price": EUR10, "delivery_kind": "code", **members}
        assert spec.validator("TestOfferRequest").errors(body) == []
        cmd = sandbox.TestOffer.from_wire(body)
        return await self.run(lambda books: sandbox.test_create_offer(books, self.vault, self.call(), cmd))

    async def update(self, offer: Offer, **members: Any) -> Offer:
        """Test control's change of an offer."""
        return await self.run(
            lambda books: sandbox.test_update_offer(books, self.vault, self.call(), offer.id, members)
        )

    async def hold(
        self, channel: Channel, offer: Offer, quantity: int = 1, by: str = "b1", **members: Any
    ) -> Reservation:
        """A hold, by the buyer of this reference."""
        body = {"offer_id": offer.id, "quantity": quantity, "buyer": {"reference": by}, **members}
        cmd, call = inventory.CreateReservation.from_wire(body), self.call(channel.id)
        return await self.run(lambda books: inventory.create_reservation(books, call, cmd))

    async def extend(self, channel: Channel, hold: Reservation, ttl: int | None = None) -> Reservation:
        """An extension."""
        call = self.call(channel.id)
        return await self.run(lambda books: inventory.extend_reservation(books, call, hold.id, ttl))

    async def release(self, channel: Channel, hold: Reservation) -> Reservation:
        """A release."""
        call = self.call(channel.id)
        return await self.run(lambda books: inventory.release_reservation(books, call, hold.id))

    async def order(self, channel: Channel, *lines: dict[str, Any], **members: Any) -> Order:
        """An order, collected unless `payment` says otherwise."""
        body: dict[str, Any] = {
            "reference": f"r-{secrets.token_hex(6)}",
            "buyer": {"reference": "b1"},
            "lines": list(lines),
            "payment": {"status": "collected"},
            **members,
        }
        assert spec.validator("OrderRequest").errors(body) == []
        cmd, call = orders.CreateOrder.from_wire(body), self.call(channel.id)
        return await self.run(lambda books: orders.create_order(books, self.vault, call, cmd))

    async def pending(self, channel: Channel, *lines: dict[str, Any], **members: Any) -> Order:
        """An order whose payment is still to be confirmed."""
        return await self.order(channel, *lines, payment={"status": "pending"}, **members)

    async def confirm(
        self, channel: Channel, order: Order, amount: int | None = None, currency: str = "EUR"
    ) -> Order:
        """The payment's confirmation."""
        total = order.total_amount if amount is None else amount
        body, call = (
            {"amount": {"amount": total, "currency": currency}, "method": "card"},
            self.call(channel.id),
        )
        return await self.run(lambda books: orders.confirm_payment(books, self.vault, call, order.id, body))

    async def cancel(self, channel: Channel, order: Order, reason: str | None = None) -> Order:
        """A cancellation."""
        call = self.call(channel.id)
        return await self.run(lambda books: orders.cancel_order(books, call, order.id, reason))

    async def refund(self, channel: Channel, order: Order, *lines: tuple[str, int], **members: Any) -> Order:
        """A refund of these (line id, quantity), or of all that is left; the order as it is then."""
        body: dict[str, Any] = {"reason": "buyer_request", **members}
        if lines:
            body["lines"] = [{"line_id": line_id, "quantity": quantity} for line_id, quantity in lines]
        assert spec.validator("RefundRequest").errors(body) == []
        call, cmd = self.call(channel.id), aftersale.CreateRefund.from_wire(body)
        made = await self.run(lambda books: aftersale.create_refund(books, call, order.id, cmd))
        assert spec.validator("Refund").errors(made) == []
        return await self.order_now(order)

    async def replace(self, channel: Channel, order: Order, old: str) -> tuple[Delivery, Delivery]:
        """A replacement of a delivery: the voided one and the new one."""
        call = self.call(channel.id)
        return await self.run(
            lambda books: aftersale.create_replacement(books, self.vault, call, order.id, old)
        )

    async def dispute(self, channel: Channel, order: Order, **members: Any) -> Order:
        """A dispute; the order as it is then."""
        call, body = self.call(channel.id), {"reason": "chargeback", **members}
        made = await self.run(lambda books: aftersale.create_dispute(books, call, order.id, body))
        assert spec.validator("Dispute").errors(made) == []
        return await self.order_now(order)

    async def resolve(self, order: Order, refund: bool) -> Order:
        """The merchant's decision on a dispute."""
        return await self.run(lambda books: aftersale.resolve_dispute(books, self.call(), order.id, refund))

    async def lease(self, channel: Channel, offer: Offer, quantity: int, **members: Any) -> Allotment:
        """A lease of so many."""
        cmd = allotments.CreateAllotment.from_wire({"offer_id": offer.id, "quantity": quantity, **members})
        call = self.call(channel.id)
        return await self.run(lambda books: allotments.create_allotment(books, call, cmd))

    async def report(self, channel: Channel, lease: Allotment, *made: dict[str, Any]) -> list[sales.Result]:
        """A report of these sales (see `sale`); the results."""
        assert spec.validator("SalesReport").errors({"sales": list(made)}) == []
        call, read = self.call(channel.id), [sales.Sale.from_wire(one, "/sales/0") for one in made]
        _, results = await self.run(lambda books: sales.report_sales(books, self.vault, call, lease.id, read))
        return results

    async def give_back(self, channel: Channel, lease: Allotment, quantity: int | None = None) -> Allotment:
        """A release of all that remains, or of some."""
        call = self.call(channel.id)
        return await self.run(lambda books: allotments.release_allotment(books, call, lease.id, quantity))

    async def recall(self, lease: Allotment, grace: int = 3600) -> Allotment:
        """The merchant recalls a lease."""
        call = self.call()
        return await self.run(lambda books: allotments.recall_allotment(books, call, lease.id, grace))

    async def end_lease(self, lease: Allotment) -> bool:
        """What the sweeper does with one that it finds due."""
        call = self.call()
        return await self.run(lambda books: allotments.expire_allotment(books, call, lease.id))

    async def order_now(self, order: Order) -> Order:
        """The order as it is now, which is always a valid one."""
        found = next(row for row in await self.rows(Order) if row.id == order.id)
        assert spec.validator("Order").errors(wire.render_order(found, DataUse(found.channel_id))) == []
        return found

    async def reveal(self, channel: Channel, delivery_id: str) -> dict[str, Any]:
        """The goods, as the wire object."""
        call = self.call(channel.id)
        opened = await self.run(lambda books: delivery.reveal_delivery(books, self.vault, call, delivery_id))
        return wire.render_revealed(opened)

    async def stock(self, offer: Offer) -> Stock:
        """The counters behind an offer, after a look at all the books."""
        await self.audit()
        return next(row for row in await self.rows(Stock) if row.id == offer.stock_id)

    async def events(self, channel: Channel | None = None, kind: str | None = None) -> list[Event]:
        """Events of a channel and type, in the order of their making."""
        found = [row for row in await self.rows(Event) if kind in (None, row.type)]
        return [row for row in found if channel is None or row.channel_id == channel.id]

    async def audit(self) -> None:
        """The books balance: counters by themselves, as the sum of movements, and against units, holds and leases."""
        units, holds = await self.rows(Unit), await self.rows(Reservation)
        leases = await self.rows(Allotment)
        moved: dict[str, Counter[str]] = {}
        for movement in await self.rows(Movement):
            for name, sign in stock.EFFECTS[movement.kind].items():
                moved.setdefault(movement.stock_id, Counter())[name] += sign * movement.quantity
        active = [hold for hold in holds if hold.status == "active"]
        for row in await self.rows(Stock):
            counters = {name: getattr(row, name) for name in COUNTERS}
            assert min(counters.values()) >= 0
            assert row.received == row.available + row.reserved + row.allotted + row.sold + row.voided
            assert counters == {name: moved.get(row.id, Counter())[name] for name in counters}
            assert row.reserved == sum(hold.quantity for hold in active if hold.stock_id == row.id)
            assert row.allotted == sum(lease.remaining for lease in leases if lease.stock_id == row.id)
            if row.kind == "codes":
                states = Counter(unit.state for unit in units if unit.stock_id == row.id)
                assert states["available"] == row.available + row.reserved + row.allotted
                assert (states["sold"], states["voided"]) == (row.sold, row.voided)
        for count in await self.rows(HoldCount):
            mine = [hold for hold in active if hold.channel_id == count.channel_id]
            mine = [hold for hold in mine if count.buyer_reference in ("", hold.buyer_reference)]
            assert count.quantity == sum(hold.quantity for hold in mine)


def line(offer: Offer, quantity: int = 1, hold: Reservation | None = None, **members: Any) -> dict[str, Any]:
    """An order line at the offer's price, or the hold's."""
    price = {"amount": offer.price_amount, "currency": offer.currency}
    body: dict[str, Any] = {"offer_id": offer.id, "quantity": quantity, "unit_price": price}
    if hold is not None:
        body["reservation_id"] = hold.id
        body["unit_price"] = {"amount": hold.unit_amount, "currency": hold.currency}
    return {**body, **members}


def sale(
    lease: Allotment, quantity: int = 1, reference: str = "", by: str = "b1", **members: Any
) -> dict[str, Any]:
    """A sale at the lease's price, under a reference of its own unless one is given."""
    return {
        "reference": reference or f"s-{secrets.token_hex(6)}",
        "quantity": quantity,
        "unit_price": {"amount": lease.unit_amount, "currency": lease.currency},
        "buyer": {"reference": by},
        "sold_at": wire.timestamp(lease.created_at),
        **members,
    }


async def refused(code: str, attempt: Awaitable[Any], pointer: str | None = None) -> ProtocolError:
    """That this is refused with this code, naming this field."""
    with pytest.raises(ProtocolError) as caught:
        await attempt
    assert caught.value.code == code
    if pointer is not None:
        assert pointer in [error.pointer for error in caught.value.errors]
    return caught.value
