"""ORD-019: an order's status changes along the table, and in no other way."""

from __future__ import annotations

from dataclasses import replace

import pytest

import spec
from gateway.core import life
from gateway.core.errors import ProtocolError
from gateway.core.model import Order
from tests.core.world import World, line, refused

STATES = spec.transitions().states
EVENTS = sorted({event for _, event in spec.transitions().table})


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("status", STATES)
async def test_every_step_from_every_status(memory_world: World, status: str, event: str) -> None:
    """Allowed steps lead where the table says and raise the revision (ORD-023); all others are refused."""
    world = memory_world
    channel, offer = await world.channel(), await world.offer()
    order = replace(await world.order(channel, line(offer)), status=status, revision=7)
    target = spec.transitions().table.get((status, event))
    if target is None:
        with pytest.raises(ProtocolError) as caught:
            life.advance(order, world.now, event)
        assert caught.value.code == "transition_not_allowed"
    else:
        after = life.advance(order, world.now, event)
        assert (after.status, after.revision, after.updated_at) == (target, 8, world.now)


@pytest.mark.parametrize("status", STATES)
async def test_operations_keep_to_the_table(memory_world: World, status: str) -> None:
    """What a channel can ask for, of an order in every status it may be in (ORD-016, ORD-018)."""
    world = memory_world
    channel, offer = await world.channel(), await world.offer(quantity=9)
    made = await world.offer(on_demand={"supplier": "absent"})
    table = spec.transitions().table
    for event, attempt in (("collect_payment", world.confirm), ("cancel", world.cancel)):
        if status == "fulfilling":  # nobody has been asked to make it yet
            order = await world.order(channel, line(made))
        else:
            order = await world.pending(channel, line(offer))
            await world.run(lambda books, order=order: books.put(replace(order, status=status)))
        if (status, event) in table:
            await attempt(channel, order)
        else:
            await refused("transition_not_allowed", attempt(channel, order))
            stored = next(row for row in await world.rows(Order) if row.id == order.id)
            assert stored.status == status
