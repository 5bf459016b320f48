"""IDM-002 to IDM-010, over the rules alone."""

from __future__ import annotations

import orjson
import pytest

from gateway.core import delivery, orders, wire
from gateway.core.idempotency import Answer, idempotent
from gateway.core.model import Call, Channel, Delivery, Idempotency, Offer, Order, Reveal
from gateway.core.privacy import DataUse
from gateway.storage.vault import VaultError
from tests.core.world import World, line, refused

REQUEST, OTHER = b"1" * 32, b"2" * 32


async def ask(
    world: World,
    call: Call,
    request: bytes,
    offer: Offer,
    reference: str = "r-1",
    operation: str = "create_order",
) -> Answer:
    """Order under the call's key."""
    cmd = orders.CreateOrder(
        reference, {"reference": "b"}, (orders.LineRequest.from_wire(line(offer)),), {"status": "collected"}
    )

    def run(books: object) -> Answer:
        return idempotent(
            books,
            world.vault,
            call,
            operation,
            request,
            lambda: (
                201,
                orjson.dumps(
                    wire.render_order(
                        orders.create_order(books, world.vault, call, cmd), DataUse(call.channel_id)
                    )
                ),
            ),
            prepare=lambda: orders.prepare_order(books, call, cmd),
        )

    return await world.run(run)


async def test_the_first_answer_again(world: World) -> None:
    """IDM-002: the same bytes, marked, and one order."""
    channel, offer = await world.channel(), await world.offer(quantity=5)
    first = await ask(world, world.call(channel.id, "k"), REQUEST, offer)
    world.advance(3600)
    again = await ask(world, world.call(channel.id, "k"), REQUEST, offer)
    assert (first.replayed, again.replayed) == (False, True)
    assert (first.status, first.body) == (again.status, again.body)
    assert len(await world.rows(Order)) == 1
    assert (await world.stock(offer)).sold == 1


async def test_another_request_under_the_key(world: World) -> None:
    """IDM-003: refused; IDM-006: other clients and operations have keys of their own."""
    channel, other, offer = await world.channel(), await world.channel(), await world.offer()
    await ask(world, world.call(channel.id, "k"), REQUEST, offer)
    await refused("idempotency_key_reused", ask(world, world.call(channel.id, "k"), OTHER, offer, "r-2"))
    assert not (await ask(world, world.call(other.id, "k"), OTHER, offer)).replayed
    assert not (await ask(world, world.call(channel.id, "k"), OTHER, offer, "r-2", "other")).replayed


async def test_a_refusal_uses_up_nothing(world: World) -> None:
    """IDM-010, ERR-009: the same request under the same key succeeds when there is stock again."""
    channel, offer = await world.channel(), await world.offer(codes=[])
    await refused("out_of_stock", ask(world, world.call(channel.id, "k"), REQUEST, offer))
    assert (await world.rows(Idempotency), await world.rows(Order)) == ([], [])
    await world.update(offer, add_codes=["A"])
    assert (await ask(world, world.call(channel.id, "k"), REQUEST, offer)).status == 201


async def test_without_a_key(world: World) -> None:
    """IDM-001: nothing is done."""
    channel, offer = await world.channel(), await world.offer()
    await refused("idempotency_key_missing", ask(world, world.call(channel.id), REQUEST, offer))


async def open_it(world: World, call: Call, row: Delivery) -> Answer:
    """Reveal under the call's key."""

    def run(books: object) -> Answer:
        def reveal() -> tuple[int, bytes]:
            opened = delivery.reveal_delivery(books, world.vault, call, row.id)
            return 200, orjson.dumps(wire.render_revealed(opened))

        return idempotent(
            books,
            world.vault,
            call,
            "reveal_delivery",
            REQUEST,
            reveal,
            secret=True,
            on_replay=lambda: delivery.note_replay(books, call, row.id),
        )

    return await world.run(run)


async def test_an_answer_with_goods_is_kept_sealed(world: World) -> None:
    """DLV-009, DLV-010, IDM-002: the code is not in the record, the replay has the same bytes and its own audit row."""
    channel: Channel = await world.channel()
    offer = await world.offer(codes=["CODE-IN-THE-CLEAR"])
    await world.order(channel, line(offer))
    [row] = await world.rows(Delivery)
    first = await open_it(world, world.call(channel.id, "k"), row)
    again = await open_it(world, world.call(channel.id, "k"), row)
    assert b"CODE-IN-THE-CLEAR" in first.body
    assert (again.body, again.replayed) == (first.body, True)
    [record] = await world.rows(Idempotency)
    assert b"CODE-IN-THE-CLEAR" not in record.body
    assert [one.reason for one in await world.rows(Reveal)] == [None, delivery.REPLAY]
    [after] = await world.rows(Delivery)
    assert after.reveal_count == 1


async def test_a_record_is_sealed_for_its_own_key(world: World) -> None:
    """A record that is copied to another key cannot be opened there."""
    channel, offer = await world.channel(), await world.offer(codes=["A"])
    await world.order(channel, line(offer))
    [row] = await world.rows(Delivery)
    await open_it(world, world.call(channel.id, "k"), row)
    [record] = await world.rows(Idempotency)
    fields = {name: getattr(record, name) for name in record.__slots__}
    await world.run(lambda books: books.put(Idempotency(**{**fields, "key": "stolen"})))
    with pytest.raises(VaultError):
        await open_it(world, world.call(channel.id, "stolen"), row)
