"""A Hypothesis state machine: any interleaving of trade, against the model, on the real core and the real storage.

To add an operation: a method on `Model` that plays it, and a rule here that calls both through `compare`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from gateway.core import expiry, supplies
from gateway.core.errors import ProtocolError
from gateway.core.model import Channel, Delivery, Offer, Order, Reservation, Stock
from gateway.core.model_allotments import Allotment
from gateway.core.model_supplies import Supply
from gateway.storage.audit import audit
from gateway.storage.reset import forget_trade
from gateway.storage.vault import AesVault
from tests.core.stores import DatabaseStore
from tests.core.world import World, line
from tests.proof.model import COUNTERS, DEMAND, DONE, ModelStock
from tests.proof.model_leases import LeasingModel

CHANNEL_CAP, BUYER_CAP = 14, 8
KINDS = ("codes", "counted", "unlimited", DEMAND)
STOCKED = st.sampled_from(KINDS[:3])
BUYERS = ("b1", "b2", "b3")
KIND, QUANTITY, BUYER = st.sampled_from(KINDS), st.integers(1, 5), st.sampled_from(BUYERS)
LINES = st.lists(st.tuples(KIND, QUANTITY), min_size=1, max_size=3)


class Trade(RuleBasedStateMachine):
    """Subclassed by `over`, which says where the books are."""

    runner: asyncio.Runner
    store: DatabaseStore
    vault: AesVault
    holds: Bundle[str] = Bundle("holds")
    orders: Bundle[str] = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.store, self.vault)
        self.begin = self.world.now
        self.model = LeasingModel(CHANNEL_CAP, BUYER_CAP)
        self.offers: dict[str, Offer] = {}
        self.kept: dict[str, Reservation] = {}
        self.made: dict[str, Order] = {}
        self.opened: dict[str, str] = {}
        self.channel: Channel

    def play(self, work: Awaitable[Any]) -> Any:
        """Run to its end in the loop that the engine lives in."""

        async def run() -> Any:
            return await work

        return self.runner.run(run())

    def compare(self, work: Awaitable[Any], model: Callable[[], None]) -> Any:
        """Do it in both; the outcome must be the same. The gateway's result, None when it was refused."""
        result = None
        try:
            result = self.play(work)
            outcome = DONE
        except ProtocolError as error:
            outcome = error.code
        self.model.now = (self.world.now - self.begin).total_seconds()
        assert outcome == self.model.attempt(model)
        return result

    @initialize()
    def open(self) -> None:
        """A channel with caps, and an offer over each kind of stock."""
        caps = {"max_open_holds": CHANNEL_CAP, "max_open_holds_per_buyer": BUYER_CAP}
        self.channel = self.play(self.world.channel(**caps))
        stocks: dict[str, dict[str, Any]] = {
            "codes": {"codes": [secrets.token_hex(8) for _ in range(6)]},
            "counted": {"quantity": 7},
            "unlimited": {"delivery_kind": "licence"},
            DEMAND: {"on_demand": {"supplier": "absent"}},
        }
        for kind, members in stocks.items():
            leased = {} if kind == DEMAND else {"consistency": "allotment"}
            self.offers[kind] = self.play(self.world.offer(**leased, **members))
            start = {"codes": 6, "counted": 7}.get(kind, 0)
            stocked = "unlimited" if kind == DEMAND else kind
            self.model.stocks[kind] = ModelStock(stocked, received=start, available=start)

    @rule(count=st.integers(1, 6))
    def stock_in(self, count: int) -> None:
        """More codes."""
        codes = [secrets.token_hex(8) for _ in range(count)]
        work = self.world.update(self.offers["codes"], add_codes=codes)
        self.compare(work, lambda: self.model.receive("codes", count))

    @rule(kind=KIND, quantity=QUANTITY)
    def void(self, kind: str, quantity: int) -> None:
        """The merchant takes stock out of sale."""
        work = self.world.update(self.offers[kind], void_available=quantity)
        self.compare(work, lambda: self.model.void(kind, quantity))

    @rule(target=holds, kind=KIND, quantity=QUANTITY, buyer=BUYER)
    def hold(self, kind: str, quantity: int, buyer: str) -> Any:
        """A buyer holds."""
        key = f"hold {len(self.kept)}"
        work = self.world.hold(self.channel, self.offers[kind], quantity, buyer)
        made = self.compare(work, lambda: self.model.hold(key, kind, quantity, buyer))
        return self._note(self.kept, key, made)

    @rule(key=holds)
    def extend(self, key: str) -> None:
        """A hold is kept longer."""
        self.compare(self.world.extend(self.channel, self.kept[key], 600), lambda: self.model.extend(key))

    @rule(key=holds)
    def release(self, key: str) -> None:
        """A hold is given back."""
        self.compare(self.world.release(self.channel, self.kept[key]), lambda: self.model.release(key))

    @rule(target=orders, lines=LINES, buyer=BUYER, paid=st.booleans())
    def order(self, lines: list[tuple[str, int]], buyer: str, paid: bool) -> Any:
        """Directly from stock, paid or to be paid."""
        return self._order(lines, None, buyer, paid)

    @rule(target=orders, key=holds, more=st.lists(st.tuples(KIND, QUANTITY), max_size=1), paid=st.booleans())
    def order_held(self, key: str, more: list[tuple[str, int]], paid: bool) -> Any:
        """From a hold, with or without something more."""
        return self._order(more, key, self.kept[key].buyer_reference, paid)

    @rule(key=orders)
    def pay(self, key: str) -> None:
        """The money has come."""
        self.compare(self.world.confirm(self.channel, self.made[key]), lambda: self.model.pay(key))

    @rule(key=orders)
    def cancel(self, key: str) -> None:
        """The buyer thinks better of it."""
        self.compare(self.world.cancel(self.channel, self.made[key]), lambda: self.model.cancel(key))

    @rule(key=orders)
    def ask(self, key: str) -> None:
        """A supplier is asked to make the next unit of an order."""
        self.compare(self._ask(key), lambda: self.model.ask(key))

    @rule(key=orders, good=st.booleans())
    def answer(self, key: str, good: bool) -> None:
        """It has made one that it was asked for, or will not."""
        self.compare(self._answer(key, good), lambda: self.model.answer(key, good))

    @rule(key=orders)
    def reveal(self, key: str) -> None:
        """Every delivery opens unless it was taken back: to the same goods each time, and to nobody else's."""
        for row in self.play(self.world.rows(Delivery)):
            if row.order_id == self.made[key].id and row.status != "voided":
                goods = self.play(self.world.reveal(self.channel, row.id))["goods"]
                value = str(goods)
                assert self.opened.setdefault(row.id, value) == value
        assert len(set(self.opened.values())) == len(self.opened)

    @rule(seconds=st.sampled_from([1, 299, 600, 601, 1800, -1, -700]))
    def clock(self, seconds: int) -> None:
        """Time passes, and now and then the clock is set back."""
        self.world.advance(seconds)
        self.model.now += seconds

    @rule()
    def sweep(self) -> None:
        """The sweeper ends what is due."""
        self.compare(self._sweep(), self.model.sweep)

    @rule(kind=STOCKED, count=st.integers(2, 12))
    def rush(self, kind: str, count: int) -> None:
        """Equal paid orders at once, in one flight: as many are refused as if they had come one by one."""
        expected = sorted(self._rush_one(kind, number) for number in range(count))
        buyings = [self.world.order(self.channel, line(self.offers[kind], 2)) for _ in range(count)]

        async def all_at_once() -> list[Any]:
            return await asyncio.gather(*buyings, return_exceptions=True)

        outcomes = self.play(all_at_once())
        assert sorted(one.code if isinstance(one, ProtocolError) else one.status for one in outcomes) == [
            {DONE: "fulfilled"}.get(code, code) for code in sorted(expected, key=_as_told)
        ]

    @invariant()
    def the_books_balance(self) -> None:
        """Counters, holds and orders are what the model says, and the audit finds nothing."""
        assert self.play(audit(self.store.engine)) == []
        stocks = {row.id: row for row in self.play(self.world.rows(Stock))}
        for kind, offer in self.offers.items():
            row = stocks[offer.stock_id]
            assert {name: getattr(row, name) for name in COUNTERS} == self.model.stocks[kind].counters()

    @invariant()
    def nothing_is_lost(self) -> None:
        """Every hold and order that was answered is there, in the state that the model says."""
        holds = {row.id: row.status for row in self.play(self.world.rows(Reservation))}
        orders = {row.id: row.status for row in self.play(self.world.rows(Order))}
        for key, hold in self.kept.items():
            assert holds[hold.id] == self.model.holds[key].status
        for key, order in self.made.items():
            assert orders[order.id] == self.model.orders[key].status

    def teardown(self) -> None:
        """Empty the books for the next example."""
        self.play(forget_trade(self.store.engine))

    def _order(self, lines: list[tuple[str, int]], held: str | None, buyer: str, paid: bool) -> Any:
        key = f"order {len(self.made)}"
        body = [line(self.offers[kind], quantity) for kind, quantity in lines]
        if held is not None:
            hold = self.kept[held]
            offer = next(one for one in self.offers.values() if one.id == hold.offer_id)
            body.insert(0, line(offer, hold.quantity, hold))
        payment = {"status": "collected" if paid else "pending"}
        work = self.world.order(self.channel, *body, buyer={"reference": buyer}, payment=payment)
        made = self.compare(work, lambda: self.model.order(key, lines, held, buyer, paid))
        return self._note(self.made, key, made)

    def _note(self, kept: dict[str, Any], key: str, made: Any) -> Any:
        if made is None:
            return multiple()
        kept[key] = made
        return key

    def _rush_one(self, kind: str, number: int) -> str:
        name = f"rush {len(self.model.orders)} {number}"
        return self.model.attempt(lambda: self.model.order(name, [(kind, 2)], None, "b1", True))

    async def _next(self, key: str, state: str) -> Supply | None:
        found = await self.world.rows(Supply)
        mine = [one for one in found if one.order_id == self.made[key].id and one.state == state]
        return mine[0] if mine else None

    async def _ask(self, key: str) -> None:
        unit, call = await self._next(key, "waiting"), self.world.call()
        if unit is not None:
            await self.world.run(lambda books: supplies.ask(books, call, unit.id, unit.attempts))

    async def _answer(self, key: str, good: bool) -> None:
        unit, call, vault = await self._next(key, "asked"), self.world.call(), self.vault
        if unit is None:
            return
        made = secrets.token_hex(8)
        await self.world.run(
            lambda books: (
                supplies.note_made(books, vault, call, unit.id, made)
                if good
                else supplies.note_refused(books, call, unit.id, "no")
            )
        )

    async def _sweep(self) -> None:
        call = self.world.call()
        for lease in await self.world.rows(Allotment):
            await self.world.end_lease(lease)
        for hold in await self.world.rows(Reservation):
            await self.world.run(
                lambda books, hold=hold: expiry.expire_reservation(books, call, hold.id)  # type: ignore[misc]
            )


def _as_told(code: str) -> str:
    return {DONE: "fulfilled"}.get(code, code)
