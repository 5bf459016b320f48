"""Rules read in few rounds: what is noted beforehand is loaded together."""

from __future__ import annotations

import pytest

from gateway.core import clients, goods, holds, inventory, lines, orders, sandbox
from gateway.core.model import Delivery
from tests.core.stores import MemoryStore
from tests.core.world import World, line


async def test_noting_saves_rounds(memory_world: World) -> None:
    """With it a hold and an order of three lines take no more rounds than one line takes."""
    world, store = memory_world, memory_world.store
    assert isinstance(store, MemoryStore)
    channel = await world.channel()
    offers = [await world.offer(quantity=9) for _ in range(3)]
    call = world.call(channel.id)
    buyer = {"reference": "b"}
    held = inventory.CreateReservation(offers[0].id, 1, buyer)
    wanted = tuple(lines.LineRequest.from_wire(line(offer)) for offer in offers)
    bought = orders.CreateOrder("r", buyer, wanted, {"status": "collected"})

    def hold(books: object) -> None:
        inventory.prepare_reservation(books, call, held)
        inventory.create_reservation(books, call, held)

    def order(books: object) -> None:
        orders.prepare_order(books, call, bought)
        orders.create_order(books, world.vault, call, bought)

    taken = []
    for rule in (hold, order):
        before = store.rounds
        await world.run(rule)
        taken.append(store.rounds - before)
    assert taken[0] <= 3
    assert taken[1] <= 5


async def test_a_client_of_test_control(memory_world: World) -> None:
    """The same as any other."""
    world = memory_world
    cmd = clients.NewClient("Shop", max_open_holds=3)
    made = await world.run(lambda books: sandbox.test_create_client(books, world.vault, world.call(), cmd))
    assert made.channel.max_open_holds == 3


async def test_what_cannot_be_is_a_fault_and_no_answer(memory_world: World) -> None:
    """A delivery with nothing in it, or of a unit that is gone; a hold of nobody's: never told as a protocol error."""
    world = memory_world
    empty = Delivery("dlv_1", "ord_1", "ln_1", "chn_1", "code", "ready", None, None, None, 0, None, world.now)
    gone = Delivery(
        "dlv_2", "ord_1", "ln_1", "chn_1", "code", "ready", "unt_gone", None, None, 0, None, world.now
    )
    for row in (empty, gone):
        with pytest.raises(LookupError):
            await world.run(lambda books, row=row: goods.open_goods(books, world.vault, world.call(), row))
    offer = await world.offer()
    with pytest.raises(LookupError):
        await world.run(
            lambda books: holds.open_hold(books, world.call("chn_none"), offer, 1, {"reference": "b"}, 600)
        )
