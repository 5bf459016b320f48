"""A small model of trade: what the books must say after each step, in plain counters and no database.

Each method plays one operation: it changes the model and returns "done", or returns the code of the refusal and leaves
the model as it was, as a transaction does.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.core import pressure
from tests.proof.fairness import Fairness

DONE = "done"
PAYMENT_DUE, TTL, EXTENSIONS = 1800, 600, 3
FLOOR, PAYMENT_FLOOR = 120, 300
DEMAND = "demand"  # the offer whose units are made on demand
COUNTERS = ("received", "available", "reserved", "allotted", "sold", "voided")


class Refused(Exception):
    """The rule says no; the code is that of the problem."""


@dataclass
class ModelStock:
    """The counters of one offer."""

    kind: str
    received: int = 0
    available: int = 0
    reserved: int = 0
    allotted: int = 0
    sold: int = 0
    voided: int = 0

    def counters(self) -> dict[str, int]:
        """By name."""
        return {name: getattr(self, name) for name in COUNTERS}

    def take(self, quantity: int, to: str) -> None:
        """Out of what is available. What is unlimited is received when it is needed."""
        if self.kind == "unlimited" and self.available < quantity:
            self.received += quantity - self.available
            self.available = quantity
        if self.available < quantity:
            raise Refused("out_of_stock")
        self.available -= quantity
        setattr(self, to, getattr(self, to) + quantity)


@dataclass
class ModelHold:
    """A hold, whether a channel's or one inside of a waiting order."""

    offer: str
    quantity: int
    buyer: str
    expires_at: float
    made_at: float
    status: str = "active"
    extensions: int = 0
    order: str | None = None


@dataclass
class ModelOrder:
    """`kept`: its internal holds; `lines`: offer and quantity."""

    status: str
    lines: list[tuple[str, int]]
    due_at: float = 0
    kept: list[ModelHold] = field(default_factory=list)
    units: list[str] = field(default_factory=list)  # made on demand: waiting, asked, made, refused, cancelled

    def started(self) -> str:
        """The status when it is paid; what is made on demand is to be made from now on."""
        self.units = ["waiting"] * sum(quantity for offer, quantity in self.lines if offer == DEMAND)
        return "fulfilling" if self.units else "fulfilled"


@dataclass
class Model:
    """All of it. `now` in seconds; names are the gateway's ids, given by whoever drives."""

    channel_cap: int
    buyer_cap: int
    now: float = 0
    stocks: dict[str, ModelStock] = field(default_factory=dict)
    holds: dict[str, ModelHold] = field(default_factory=dict)
    kept: list[ModelHold] = field(default_factory=list)
    orders: dict[str, ModelOrder] = field(default_factory=dict)
    fairness: Fairness = field(default_factory=Fairness)

    def attempt(self, play: Callable[[], None]) -> str:
        """Play; a refusal leaves no trace."""
        before = copy.deepcopy(self.__dict__)
        try:
            play()
        except Refused as refusal:
            self.__dict__.update(before)
            return str(refusal)
        return DONE

    def every_hold(self) -> list[ModelHold]:
        """Channels' and internal ones."""
        return [*self.holds.values(), *self.kept]

    def receive(self, offer: str, quantity: int) -> None:
        """Stock in."""
        self.stocks[offer].received += quantity
        self.stocks[offer].available += quantity

    def void(self, offer: str, quantity: int) -> None:
        """Out of sale for good; nothing is received for it, whatever the kind."""
        if self.stocks[offer].available < quantity:
            raise Refused("out_of_stock")
        self.stocks[offer].take(quantity, "voided")

    def hold(self, key: str, offer: str, quantity: int, buyer: str) -> None:
        """Reserve for a buyer."""
        self.holds[key] = self._reserve(offer, quantity, buyer, TTL, FLOOR)

    def extend(self, key: str) -> None:
        """Never shortens, three times at most."""
        hold = self.holds[key]
        if not self._is_active(hold):
            raise Refused("reservation_not_active")
        if hold.extensions == EXTENSIONS:
            raise Refused("extension_limit_reached")
        if self._crowded(hold.offer):
            raise Refused("extension_limit_reached")
        hold.extensions += 1
        hold.expires_at = max(hold.expires_at, self.now + self._life(hold.offer, TTL, FLOOR))

    def release(self, key: str) -> None:
        """One that is not active stays as it is."""
        if self._is_active(self.holds[key]):
            self._end(self.holds[key], "released")

    def order(self, key: str, lines: list[tuple[str, int]], held: str | None, buyer: str, paid: bool) -> None:
        """From a hold (its line first), or directly, or both; paid or waiting."""
        hold = self.holds[held] if held else None
        if hold is not None and not self._is_active(hold):
            raise Refused("reservation_not_active")
        order = ModelOrder("payment_required", list(lines))
        if hold is not None:
            order.lines.insert(0, (hold.offer, hold.quantity))
        order.status = order.started() if paid else order.status
        if hold is not None:
            self._take_over(key, order, hold, paid)
        for offer, quantity in lines:
            if paid:
                self.make_room(offer, quantity)
                self.stocks[offer].take(quantity, "sold")
            else:
                self._keep(key, order, self._reserve(offer, quantity, buyer, PAYMENT_DUE, PAYMENT_FLOOR))
        order.due_at = min((one.expires_at for one in order.kept), default=0)
        for one in order.kept:
            one.expires_at = order.due_at
        self.orders[key] = order

    def pay(self, key: str) -> None:
        """Sells what was kept; when it comes too late, what there is anew, or else the money goes back."""
        order = self.orders[key]
        for hold in order.kept:
            self._expire(hold)
        if order.status == "expired":
            order.status = order.started() if self._sold_anew(order) else "refunded"
            return
        if order.status != "payment_required":
            raise Refused("transition_not_allowed")
        order.status = order.started()
        for hold in order.kept:
            self._sell_held(hold)

    def cancel(self, key: str) -> None:
        """Gives back what was kept; or the money, while nobody was asked to make anything of it."""
        if self.orders[key].status == "fulfilling":
            self._cancel_made(self.orders[key])
            return
        order = self._waiting(key)
        order.status = "cancelled"
        for hold in order.kept:
            self._end(hold, "released")

    def ask(self, key: str) -> None:
        """The supplier is asked for the next unit."""
        order = self.orders[key]
        if "waiting" in order.units:
            order.units[order.units.index("waiting")] = "asked"

    def answer(self, key: str, good: bool) -> None:
        """The next unit that was asked for is made, or refused; with the last one the order ends."""
        order = self.orders[key]
        if "asked" not in order.units:
            return
        order.units[order.units.index("asked")] = "made" if good else "refused"
        if not good:
            self._void_sold(1)
        if {"waiting", "asked"} & set(order.units):
            return
        lost, units = order.units.count("refused"), sum(quantity for _, quantity in order.lines)
        order.status = (
            "fulfilled" if not lost else "fulfilment_failed" if lost == units else "partially_refunded"
        )

    def sweep(self) -> None:
        """Ends all that is due."""
        for hold in self.every_hold():
            self._expire(hold)

    def _cancel_made(self, order: ModelOrder) -> None:
        units = sum(quantity for _, quantity in order.lines)
        if order.units != ["waiting"] * units:
            raise Refused("transition_not_allowed")
        order.status, order.units = "cancelled", ["cancelled"] * units
        self._void_sold(units)

    def _void_sold(self, quantity: int) -> None:
        """Sold, and not made."""
        self.stocks[DEMAND].sold -= quantity
        self.stocks[DEMAND].voided += quantity

    def _sold_anew(self, order: ModelOrder) -> bool:
        """All lines or none."""
        wanted: Counter[str] = Counter()
        for offer, quantity in order.lines:
            wanted[offer] += quantity
        for offer, quantity in wanted.items():
            self.make_room(offer, quantity)
            stock = self.stocks[offer]
            if stock.kind != "unlimited" and stock.available < quantity:
                return False
        for offer, quantity in order.lines:
            self.stocks[offer].take(quantity, "sold")
        return True

    def _take_over(self, key: str, order: ModelOrder, hold: ModelHold, paid: bool) -> None:
        """An order uses a channel's hold up: sold, or kept on under the order's name."""
        if paid:
            self._sell_held(hold)
            return
        hold.status = "consumed"
        life = self._life(hold.offer, PAYMENT_DUE, PAYMENT_FLOOR)
        due = self.now + (PAYMENT_FLOOR if self._crowded(hold.offer) else life)
        self._keep(key, order, ModelHold(hold.offer, hold.quantity, hold.buyer, due, self.now))

    def _keep(self, key: str, order: ModelOrder, hold: ModelHold) -> None:
        hold.order = key
        order.kept.append(hold)
        self.kept.append(hold)

    def _life(self, offer: str, wish: int, floor: int) -> int:
        """Shorter while much of it is held."""
        stock = self.stocks[offer]
        if stock.kind == "unlimited":
            return wish
        return pressure.life(wish, stock.reserved, stock.available, floor)

    def _crowded(self, offer: str) -> bool:
        """Whether no hold is kept longer now."""
        stock = self.stocks[offer]
        crush = pressure.share(stock.reserved, stock.available) >= pressure.CRUSH
        return stock.kind != "unlimited" and (crush or self.fairness.wasteful(offer, self.now))

    def _reserve(self, offer: str, quantity: int, buyer: str, wish: int, floor: int) -> ModelHold:
        self.make_room(offer, quantity)
        active = [hold for hold in self.every_hold() if hold.status == "active"]
        if sum(hold.quantity for hold in active) + quantity > self.channel_cap:
            raise Refused("hold_limit_reached")
        if sum(hold.quantity for hold in active if hold.buyer == buyer) + quantity > self.buyer_cap:
            raise Refused("hold_limit_reached")
        stock = self.stocks[offer]
        if stock.kind != "unlimited" and not self.fairness.allows(
            offer, buyer, quantity, stock.reserved, stock.available, self.now
        ):
            raise Refused("hold_limit_reached")
        wasteful = stock.kind != "unlimited" and self.fairness.wasteful(offer, self.now)
        stock.take(quantity, "reserved")
        life = min(wish, floor) if wasteful else self._life(offer, wish, floor)
        return ModelHold(offer, quantity, buyer, self.now + life, self.now)

    def make_room(self, offer: str, quantity: int) -> None:
        stock = self.stocks[offer]
        if stock.kind != "unlimited" and stock.available < quantity:
            for hold in self.every_hold():
                if hold.offer == offer:
                    self._expire(hold)

    def _expire(self, hold: ModelHold) -> None:
        """With its whole order, when it is an order's."""
        if hold.status != "active" or hold.expires_at > self.now:
            return
        together = [hold]
        if hold.order is not None:
            self.orders[hold.order].status = "expired"
            together = self.orders[hold.order].kept
        for one in together:
            self._end(one, "expired")

    def _end(self, hold: ModelHold, status: str) -> None:
        hold.status = status
        self.stocks[hold.offer].reserved -= hold.quantity
        self.stocks[hold.offer].available += hold.quantity
        self._judge(hold, used=False)

    def _judge(self, hold: ModelHold, used: bool) -> None:
        if self.stocks[hold.offer].kind != "unlimited":
            self.fairness.end(hold.offer, hold.buyer, hold.quantity, used, hold.made_at, self.now)

    def _sell_held(self, hold: ModelHold) -> None:
        hold.status = "consumed"
        self.stocks[hold.offer].reserved -= hold.quantity
        self.stocks[hold.offer].sold += hold.quantity
        self._judge(hold, used=True)

    def _is_active(self, hold: ModelHold) -> bool:
        return hold.status == "active" and self.now < hold.expires_at

    def _waiting(self, key: str) -> ModelOrder:
        order = self.orders[key]
        if order.status != "payment_required" or order.due_at <= self.now:
            raise Refused("transition_not_allowed")
        return order
