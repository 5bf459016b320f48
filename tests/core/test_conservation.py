"""INV-001, INV-015: whatever channels do, one after the other or at once, the books balance after every step."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core import expiry, refunds
from gateway.core.errors import ProtocolError
from gateway.core.model import Channel, Delivery, Offer, Order, Reservation, Unit
from gateway.core.model_allotments import Allotment
from gateway.storage.keys import new_entry
from gateway.storage.vault import AesVault
from tests.core.stores import MemoryStore
from tests.core.world import World, line, sale

ACTIONS = (
    "hold",
    "hold",
    "order",
    "pending",
    "order held",
    "pending held",
    "release",
    "extend",
    "confirm",
    "cancel",
    "add",
    "void",
    "wait",
    "sweep",
    "late",
    "refund",
    "refund one",
    "replace",
    "dispute",
    "resolve",
    "lease",
    "report",
    "give back",
    "recall",
)
Step = tuple[str, int]
STEPS = st.lists(
    st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 1 << 16)), min_size=1, max_size=6),
    max_size=25,
)


class Trader:
    """Does what steps say to one offer of each kind of stock, and does not mind being refused."""

    def __init__(self, world: World, channels: list[Channel], offers: list[Offer]) -> None:
        self.world, self.channels, self.offers = world, channels, offers
        self.holds: list[Reservation] = []
        self.orders: list[Order] = []
        self.leases: list[Allotment] = []
        self.codes = 0

    async def do(self, action: str, seed: int) -> None:
        """One action; which channel, offer, hold and quantity is drawn from the seed."""
        dice = random.Random(seed)
        channel, offer, quantity = dice.choice(self.channels), dice.choice(self.offers), dice.randint(1, 4)
        steps: dict[str, Callable[[], Awaitable[object]]] = {
            "hold": lambda: self._hold(channel, offer, quantity, dice),
            "order": lambda: self._order(channel, line(offer, quantity), line(self.offers[0])),
            "pending": lambda: self._pending(channel, line(offer, quantity)),
            "order held": lambda: self._from_hold(dice, "collected"),
            "pending held": lambda: self._from_hold(dice, "pending"),
            "release": lambda: self._with_hold(dice, self.world.release),
            "extend": lambda: self._with_hold(dice, self.world.extend),
            "confirm": lambda: self._with_order(dice, self.world.confirm),
            "cancel": lambda: self._with_order(dice, self.world.cancel),
            "add": self._add,
            "void": lambda: self.world.update(offer, void_available=quantity),
            "wait": lambda: asyncio.sleep(0),
            "sweep": self._sweep,
            "late": lambda: self._with_order(dice, self._late, "expired"),
            "refund": lambda: self._with_order(dice, self.world.refund, "fulfilled", "partially_refunded"),
            "refund one": lambda: self._with_order(dice, self._refund_one, "fulfilled", "partially_refunded"),
            "replace": lambda: self._replace(dice),
            "dispute": lambda: self._with_order(dice, self.world.dispute, "fulfilled", "partially_refunded"),
            "lease": lambda: self._lease(channel, offer, quantity),
            "report": lambda: self._with_lease(dice, self._report),
            "give back": lambda: self._with_lease(dice, self._give_back),
            "recall": lambda: self._with_lease(dice, self._recall),
            "resolve": lambda: self._with_order(dice, self._resolve, "disputed"),
        }
        if action == "wait":
            self.world.advance(dice.choice([1, 300, 700, 2000]))
        with contextlib.suppress(ProtocolError):
            await steps[action]()

    def _channel(self, channel_id: str) -> Channel:
        return next(one for one in self.channels if one.id == channel_id)

    async def _hold(self, channel: Channel, offer: Offer, quantity: int, dice: random.Random) -> None:
        self.holds.append(await self.world.hold(channel, offer, quantity, dice.choice("ab")))

    async def _order(self, channel: Channel, *lines: dict[str, object]) -> None:
        self.orders.append(await self.world.order(channel, *lines))

    async def _pending(self, channel: Channel, *lines: dict[str, object]) -> None:
        self.orders.append(await self.world.pending(channel, *lines))

    async def _from_hold(self, dice: random.Random, status: str) -> None:
        if self.holds:
            hold = dice.choice(self.holds)
            offer = next(one for one in self.offers if one.id == hold.offer_id)
            body, buyer = line(offer, hold.quantity, hold), {"reference": hold.buyer_reference}
            channel, payment = self._channel(hold.channel_id), {"status": status}
            self.orders.append(await self.world.order(channel, body, buyer=buyer, payment=payment))

    async def _with_hold(
        self, dice: random.Random, act: Callable[[Channel, Reservation], Awaitable[object]]
    ) -> None:
        if self.holds:
            hold = dice.choice(self.holds)
            await act(self._channel(hold.channel_id), hold)

    async def _with_order(
        self, dice: random.Random, act: Callable[[Channel, Order], Awaitable[object]], *statuses: str
    ) -> None:
        """To one of the orders, or of those in a status, so that what is rare happens too."""
        orders = self.orders
        if statuses:
            orders = [row for row in await self._orders() if row.status in statuses]
        if orders:
            order = dice.choice(orders)
            await act(self._channel(order.channel_id), order)

    async def _orders(self) -> list[Order]:
        """As they are now; the books may have those of an earlier example too."""
        mine = {channel.id for channel in self.channels}
        return [row for row in await self.world.rows(Order) if row.channel_id in mine]

    async def _late(self, channel: Channel, order: Order) -> None:
        await self.world.confirm(channel, order)

    async def _refund_one(self, channel: Channel, order: Order) -> None:
        await self.world.refund(channel, order, (order.lines[0]["id"], 1))

    async def _resolve(self, channel: Channel, order: Order) -> None:
        await self.world.resolve(order, refund=order.total_amount > 2000)

    async def _replace(self, dice: random.Random) -> None:
        orders = {row.id: row for row in await self._orders()}
        deliveries = [row for row in await self.world.rows(Delivery) if row.order_id in orders]
        if deliveries:
            old = dice.choice(deliveries)
            order = orders[old.order_id]
            await self.world.replace(self._channel(old.channel_id), order, old.id)

    async def _lease(self, channel: Channel, offer: Offer, quantity: int) -> None:
        self.leases.append(await self.world.lease(channel, offer, quantity, ttl_seconds=700))

    async def _with_lease(
        self, dice: random.Random, act: Callable[[Channel, Allotment, int], Awaitable[object]]
    ) -> None:
        if self.leases:
            lease = dice.choice(self.leases)
            await act(self._channel(lease.channel_id), lease, dice.randint(1, 3))

    async def _report(self, channel: Channel, lease: Allotment, quantity: int) -> None:
        """One that may have been reported before, and one that was not."""
        named = sale(lease, quantity, f"{lease.id}.{quantity}")
        await self.world.report(channel, lease, named, sale(lease, quantity), named)

    async def _give_back(self, channel: Channel, lease: Allotment, quantity: int) -> None:
        await self.world.give_back(channel, lease, quantity)

    async def _recall(self, channel: Channel, lease: Allotment, quantity: int) -> None:
        await self.world.recall(lease, 300 * (quantity - 1))

    async def _add(self) -> None:
        self.codes += 1
        await self.world.update(self.offers[0], add_codes=[f"{self.offers[0].id}-{self.codes}"])

    async def _sweep(self) -> None:
        for lease in await self.world.rows(Allotment):
            await self.world.end_lease(lease)
        for hold in await self.world.rows(Reservation):
            await self.world.run(
                lambda books, hold=hold: expiry.expire_reservation(books, self.world.call(), hold.id)
            )


async def trader(world: World) -> Trader:
    """Two channels, one with tight caps, and an offer over each kind of stock."""
    channels = [await world.channel(), await world.channel(max_open_holds=8, max_open_holds_per_buyer=5)]
    codes = [f"{channels[0].id}-first-{n}" for n in range(6)]
    offers = [
        await world.offer(codes=codes, consistency="allotment"),
        await world.offer(quantity=7, consistency="allotment"),
        await world.offer(delivery_kind="licence", consistency="allotment"),
    ]
    return Trader(world, channels, offers)


async def check(world: World) -> None:
    """Books balance, and every unique code has one owner."""
    await world.audit()
    deliveries = await world.rows(Delivery)
    given_out = [row.unit_id for row in deliveries if row.unit_id]
    assert len(given_out) == len(set(given_out))
    units = {unit.id: unit.state for unit in await world.rows(Unit)}
    assert {units[row.unit_id] for row in deliveries if row.unit_id and row.status == "voided"} <= {"voided"}
    living = {row.unit_id for row in deliveries if row.unit_id and row.status != "voided"}
    assert living == {unit_id for unit_id, state in units.items() if state == "sold"}
    for order in await world.rows(Order):
        mine = [row for row in deliveries if row.order_id == order.id and row.status != "voided"]
        fulfilled = order.status in ("fulfilled", "partially_refunded", "disputed")
        assert len(mine) == (sum(refunds.left(order).values()) if fulfilled else 0)


@settings(max_examples=60, deadline=None)
@given(rounds=STEPS)
async def test_one_after_the_other(rounds: list[list[Step]]) -> None:
    """In memory, where an example costs little."""
    world = World(MemoryStore(), AesVault(new_entry()))
    one = await trader(world)
    for steps in rounds:
        for action, seed in steps:
            await one.do(action, seed)
            await check(world)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=STEPS)
async def test_at_once(real_world: World, rounds: list[list[Step]]) -> None:
    """Through the combiner, in shared flights, on both databases."""
    real_world.now += timedelta(days=1)
    one = await trader(real_world)
    for steps in rounds:
        await asyncio.gather(*(one.do(action, seed) for action, seed in steps))
    await check(real_world)


async def test_a_long_day(real_world: World) -> None:
    """The same at length, with everything that can happen to holds and orders happening."""
    dice = random.Random(2026)
    one = await trader(real_world)
    seen: set[str] = set()
    for number in range(60):
        steps = [(dice.choice(ACTIONS), dice.getrandbits(16)) for _ in range(16)]
        await asyncio.gather(*(one.do(action, seed) for action, seed in steps))
        if number % 5 == 0:
            await one.do("add", 0)
            await check(real_world)
        seen |= {row.status for row in await real_world.rows(Order)}
    await check(real_world)
    assert {row.status for row in await real_world.rows(Reservation)} == {
        "active",
        "consumed",
        "released",
        "expired",
    }
    assert seen == {
        "payment_required",
        "fulfilled",
        "cancelled",
        "expired",
        "partially_refunded",
        "refunded",
        "disputed",
    }


async def test_a_hundred_buyers_on_ten_codes(real_world: World) -> None:
    """INV-001, DLV-002: ten sales, ninety clear refusals, each code once; and every answer is in the books."""
    channel = await real_world.channel()
    codes = [f"CODE-{number}" for number in range(10)]
    offer = await real_world.offer(codes=codes)

    async def buy(number: int) -> str:
        try:
            await real_world.order(channel, line(offer), buyer={"reference": f"b{number}"})
        except ProtocolError as error:
            return error.code
        return "sold"

    outcomes = await asyncio.gather(*(buy(number) for number in range(100)))
    assert sorted(outcomes) == ["out_of_stock"] * 90 + ["sold"] * 10
    await check(real_world)
    opened = [await real_world.reveal(channel, row.id) for row in await real_world.rows(Delivery)]
    assert sorted(one["goods"]["code"]["value"] for one in opened) == sorted(codes)
    assert (await real_world.stock(offer)).available == 0


async def test_a_hundred_holds_on_ten_units(real_world: World) -> None:
    """INV-001, INV-002: the same for holds, of one offer and of two that share a flight."""
    channel = await real_world.channel()
    offers = [await real_world.offer(quantity=10), await real_world.offer(quantity=10)]

    async def hold(number: int) -> str:
        try:
            await real_world.hold(channel, offers[number % 2], by=f"b{number}")
        except ProtocolError as error:
            return error.code
        return "held"

    outcomes = await asyncio.gather(*(hold(number) for number in range(100)))
    assert sorted(outcomes) == ["held"] * 20 + ["out_of_stock"] * 80
    await check(real_world)


async def test_two_orders_at_once_under_one_reference(real_world: World) -> None:
    """ORD-008: one of them, whichever comes first."""
    channel, offer = await real_world.channel(), await real_world.offer(quantity=9)
    attempts = [real_world.order(channel, line(offer), reference="r-1") for _ in range(5)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    refusals = [one for one in outcomes if isinstance(one, ProtocolError)]
    assert [one.code for one in refusals] == ["reference_in_use"] * 4
    assert (await real_world.stock(offer)).sold == 1
