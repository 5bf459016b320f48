"""Refunds and replacements in the model of trade (see model.py)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tests.proof.model import Model, Refused

DELIVERED = ("fulfilled", "partially_refunded")


@dataclass
class AfterSaleModel(Model):
    """Trade, and what comes after it. `back`: units of each order's lines that were refunded, by order and place."""

    back: Counter[tuple[str, int]] = field(default_factory=Counter)

    def refund(self, key: str, place: int, quantity: int) -> None:
        """What is sold is voided; with the last unit the order ends."""
        order = self.orders[key]
        if order.status not in DELIVERED:
            raise Refused("transition_not_allowed")
        offer, sold = order.lines[place]
        if quantity > sold - self.back[key, place]:
            raise Refused("exceeds_order")
        self.back[key, place] += quantity
        self._void(offer, quantity)
        left = sum(count - self.back[key, other] for other, (_, count) in enumerate(order.lines))
        order.status = "partially_refunded" if left else "refunded"

    def replace(self, key: str, offer: str, voided: bool) -> None:
        """Another unit is sold, and the dead one voided."""
        if self.orders[key].status not in DELIVERED:
            raise Refused("transition_not_allowed")
        if voided:
            raise Refused("delivery_voided")
        self.make_room(offer, 1)
        self.stocks[offer].take(1, "sold")
        self._void(offer, 1)

    def _void(self, offer: str, quantity: int) -> None:
        self.stocks[offer].sold -= quantity
        self.stocks[offer].voided += quantity
