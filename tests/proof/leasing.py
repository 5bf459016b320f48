"""The state machine of trade with leases: allot, report, release, recall, and their end (ALT-001 to ALT-023)."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, invariant, rule

from gateway.core.model import Order
from gateway.core.model_allotments import Allotment
from gateway.storage.vault import AesVault
from tests.core.stores import DatabaseStore
from tests.core.world import sale
from tests.proof.aftersale import AfterSale
from tests.proof.machine import KIND, QUANTITY
from tests.proof.model import DONE

# Few references, so that sales come again, and under other quantities.
SALES = st.lists(
    st.tuples(st.sampled_from(["s1", "s2", "s3", "s4", "s5"]), st.integers(1, 3)), min_size=1, max_size=4
)


class Leasing(AfterSale):
    """Trade, and leases between."""

    leases: Bundle[str] = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.let: dict[str, Allotment] = {}
        self.sold: dict[str, str] = {}

    @rule(target=leases, kind=KIND, quantity=QUANTITY)
    def lease(self, kind: str, quantity: int) -> Any:
        """Set aside for the channel."""
        key = f"lease {len(self.let)}"
        work = self.world.lease(self.channel, self.offers[kind], quantity)
        made = self.compare(work, lambda: self.model.lease(key, kind, quantity))
        return self._note(self.let, key, made)

    @rule(key=leases, made=SALES)
    def report(self, key: str, made: list[tuple[str, int]]) -> None:
        """Sales from it, again and again; each has one order."""
        lease, expected = self.let[key], list[str]()
        named = [(f"{lease.id}.{reference}", quantity) for reference, quantity in made]
        work = self.world.report(self.channel, lease, *(sale(lease, count, name) for name, count in named))
        results = self.compare(work, lambda: self.model.report(key, named, expected))
        assert [one.error.code if one.error else DONE for one in results] == expected
        for one in results:
            if one.order is not None:
                assert self.sold.setdefault(one.reference, one.order.id) == one.order.id

    @rule(key=leases, quantity=st.integers(1, 4))
    def give_back(self, key: str, quantity: int) -> None:
        """The channel releases some."""
        work = self.world.give_back(self.channel, self.let[key], quantity)
        self.compare(work, lambda: self.model.give_back(key, quantity))

    @rule(key=leases, grace=st.sampled_from([0, 300, 3600]))
    def recall(self, key: str, grace: int) -> None:
        """The merchant recalls it."""
        self.compare(self.world.recall(self.let[key], grace), lambda: self.model.recall(key, grace))

    @rule()
    def a_day(self) -> None:
        """Long enough for a lease to be due."""
        self.clock(86_400)

    @invariant()
    def leases_are_as_told(self) -> None:
        """Every lease is there, with what remains of it by the model, and every accepted sale has its order."""
        rows = {row.id: row for row in self.play(self.world.rows(Allotment))}
        for key, lease in self.let.items():
            row, model = rows[lease.id], self.model.leases[key]
            assert (row.status, row.remaining) == (model.status, model.remaining)
        orders = {row.id for row in self.play(self.world.rows(Order)) if row.allotment}
        assert orders == set(self.sold.values())


def over(runner: asyncio.Runner, store: DatabaseStore, vault: AesVault) -> type[Leasing]:
    """The machine with its books in this store."""
    return type("TradeOver", (Leasing,), {"runner": runner, "store": store, "vault": vault})
