"""A gateway's books, a maker, and a supplier over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.core import supplies
from gateway.core.model import Channel, Delivery, Order
from gateway.core.model_supplies import Supply
from gateway.core.suppliers import SupplyRequest
from gateway.relay.backoff import Breaker
from gateway.relay.http_supplier import HttpSupplier
from gateway.relay.maker import Bounds, Maker
from gateway.storage.audit import audit
from gateway.storage.supplies import Supplies
from tests.core.world import World, line
from tests.fixtures.supplier import SECRET, LocalSupplier, local_supplier

if TYPE_CHECKING:
    from tests.relay.conftest import House

NAME = "sandbox.makes"  # as test control calls it; here it is the one over HTTP
FORM = {
    "type": "object",
    "required": ["account"],
    "properties": {"account": {"type": "string", "minLength": 3}},
}


@dataclass
class Works:
    """Short words for what the tests do."""

    house: House
    supplier: LocalSupplier
    maker: Maker
    channel: Channel
    box: Supplies = field(init=False)

    def __post_init__(self) -> None:
        self.box = Supplies(self.house.outbox._engine)

    @property
    def world(self) -> World:
        """The books."""
        return self.house.world

    def another(self, timeout: float = 1.0, breaker: Breaker | None = None, **bounds: Any) -> Maker:
        """A maker of another replica, or after a restart."""
        http = HttpSupplier(self.house.session, self.supplier.url, SECRET, timeout)
        box = Supplies(self.house.outbox._engine)
        world = self.world
        return Maker(
            box, world.store, world.vault, {NAME: http}, lambda: world.now, Bounds(**bounds), breaker
        )

    async def order(self, quantity: int = 1, *lines: dict[str, Any], kind: str = "code") -> Order:
        """A paid order of units made on demand, and of other lines."""
        members: dict[str, Any] = {"delivery_kind": kind, "on_demand": {"supplier": "makes"}}
        offer = await self.world.offer(**members)
        return await self.world.order(self.channel, line(offer, quantity), *lines)

    async def work(self, maker: Maker | None = None) -> int:
        """One round, to its end."""
        one = maker or self.maker
        begun = await one.run_once(self.world.now)
        await one.drain()
        return begun

    async def later(self, seconds: float = 100, maker: Maker | None = None) -> None:
        """Some time after, a round."""
        self.world.advance(seconds)
        await self.work(maker)

    async def units(self) -> list[Supply]:
        """All supplies."""
        return await self.world.rows(Supply)

    async def states(self) -> list[str]:
        """Their states."""
        return [one.state for one in await self.units()]

    async def goods(self) -> list[str]:
        """What can be opened, in the clear."""
        found = [one for one in await self.world.rows(Delivery) if one.status != "voided"]
        opened = [(await self.world.reveal(self.channel, one.id))["goods"] for one in found]
        return [next(iter(one[one["kind"]].values())) for one in opened]

    async def ask(self, supply: Supply) -> SupplyRequest:
        """Note that it will be asked for, as a process does before it dies."""
        call = self.world.call()
        asked = await self.world.run(lambda books: supplies.ask(books, call, supply.id, supply.attempts))
        assert asked is not None
        return asked[1]

    async def balanced(self) -> bool:
        """Whether the audit finds nothing."""
        await self.world.audit()
        assert await audit(self.house.outbox._engine) == []
        return True


@asynccontextmanager
async def open_works(house: House) -> AsyncIterator[Works]:
    """With a channel that sells."""
    async with local_supplier() as supplier:
        works = Works(house, supplier, None, await house.world.channel())  # type: ignore[arg-type]
        works.maker = works.another()
        yield works
        await works.maker.drain(0)
