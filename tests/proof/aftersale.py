"""Refunds and replacements in the machine of trade (see machine.py)."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, rule

from gateway.core.model import Delivery
from tests.proof.machine import QUANTITY, Trade
from tests.proof.model import DEMAND

PLACE = st.integers(0, 5)


class AfterSale(Trade):
    """Trade, and what comes after it. What is made on demand is left out: who makes it says what becomes of it."""

    orders = Bundle("orders")

    @rule(key=orders, place=PLACE, quantity=QUANTITY)
    def refund(self, key: str, place: int, quantity: int) -> None:
        """Some of a line goes back."""
        order, lines = self.made[key], self.model.orders[key].lines
        if DEMAND in {offer for offer, _ in lines}:
            return
        place %= len(lines)
        work = self.world.refund(self.channel, order, (order.lines[place]["id"], quantity))
        self.compare(work, lambda: self.model.refund(key, place, quantity))

    @rule(key=orders, place=PLACE)
    def replace(self, key: str, place: int) -> None:
        """One of an order's deliveries is dead."""
        order, lines = self.made[key], self.model.orders[key].lines
        rows = [row for row in self.play(self.world.rows(Delivery)) if row.order_id == order.id]
        if DEMAND in {offer for offer, _ in lines} or not rows:
            return
        old = sorted(rows, key=lambda row: row.id)[place % len(rows)]
        offer = next(
            name for line, (name, _) in zip(order.lines, lines, strict=True) if line["id"] == old.line_id
        )
        work = self.world.replace(self.channel, order, old.id)
        self.compare(work, lambda: self.model.replace(key, offer, old.status == "voided"))
