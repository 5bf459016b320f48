"""What buyers own (spec/text/ownership.md): made on every way of delivery, and the same as what was delivered."""

from __future__ import annotations

import base64
import json
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import spec
from gateway.core import certificates, identity, ownership, status_lists, supplies, tokens, transfers, wire
from gateway.core.errors import ProtocolError
from gateway.core.model import Channel, Delivery, Order
from gateway.core.model_ownership import Entitlement, Owned, OwnershipChange, StatusEntry, Transfer
from gateway.core.model_ownership_log import LogEntry
from gateway.core.model_supplies import Supply
from gateway.core.ports import Books
from gateway.storage.audit import audit
from gateway.storage.keys import new_entry
from gateway.storage.vault import AesVault
from tests.core.stores import DatabaseStore
from tests.core.world import World, line, refused, sale

TABLE = spec.entitlement_transitions().table


async def owned_of(world: World, order: Order) -> list[Entitlement]:
    """What is owned of an order, after a look at the books."""
    if isinstance(world.store, DatabaseStore):
        assert await audit(world.store.engine) == []
    return [row for row in await world.rows(Entitlement) if row.order_id == order.id]


async def resolved(world: World, channel: Channel, subject: str) -> str:
    """The account of a buyer whom the channel has resolved."""
    call, cmd = world.call(channel.id), identity.ResolveBuyer(subject)
    return (await world.run(lambda books: identity.resolve_buyer(books, world.vault, call, cmd))).account.id


async def offered(world: World, channel: Channel, owned: Entitlement, life: int | None = None) -> str:
    """The code of an offer."""
    code, call = transfers.new_code(), world.call(channel.id)
    await world.run(lambda books: transfers.create_transfer(books, world.vault, call, owned.id, code, life))
    return code


async def accepted(world: World, channel: Channel, buyer_id: str, code: str) -> Owned:
    """The acceptance of an offer."""
    call = world.call(channel.id)
    return await world.run(lambda books: transfers.accept_transfer(books, world.vault, call, buyer_id, code))


async def test_every_way_to_a_delivery_makes_an_owner(world: World) -> None:
    """OWN-001, OLG-001: at once, paid later, from a lease, made on demand; one each, logged, named by its delivery."""
    channel = await world.channel()
    stocked = await world.offer(quantity=9, consistency="allotment")
    at_once = await world.order(channel, line(stocked, 2))
    waiting = await world.pending(channel, line(stocked))
    assert await owned_of(world, waiting) == []
    await world.confirm(channel, waiting)
    lease = await world.lease(channel, stocked, 1)
    (result,) = await world.report(channel, lease, sale(lease))
    assert result.order is not None
    made = await world.order(channel, line(await world.offer(on_demand={"supplier": "makes"})))
    (supply,) = await world.rows(Supply)
    await world.run(lambda books: supplies.ask(books, world.call(), supply.id, 0))
    await world.run(lambda books: supplies.note_made(books, world.vault, world.call(), supply.id, "K-1"))
    for order, units in ((at_once, 2), (waiting, 1), (result.order, 1), (made, 1)):
        found = await owned_of(world, order)
        assert [(one.status, one.period, one.channel_id) for one in found] == [
            ("active", 1, channel.id)
        ] * units
        assert {one.account_id for one in found} == {identity.account_id(world.vault, channel.id, "b1")}
    told = {row.data["delivery"]["entitlement_id"] for row in await world.events(channel, "delivery.ready")}
    assert told == {row.id for row in await world.rows(Entitlement)}
    assert {row.entitlement_id for row in await world.rows(LogEntry)} == told


async def test_a_dispute_suspends_and_its_end_resumes(world: World) -> None:
    """OWN-006, OWN-007: what can be suspended is; what is used up stays so; dismissed, it is active again."""
    channel = await world.channel()
    order = await world.order(channel, line(await world.offer(quantity=3), 3))
    first = (await owned_of(world, order))[0]
    call = world.call(channel.id)
    await world.run(lambda books: ownership.consume_entitlement(books, call, first.id))
    await world.dispute(channel, order)
    assert sorted(one.status for one in await world.rows(Entitlement)) == [
        "consumed",
        "suspended",
        "suspended",
    ]
    world.advance(1)
    await world.resolve(order, refund=False)
    assert sorted(one.status for one in await owned_of(world, order)) == ["active", "active", "consumed"]
    world.advance(1)
    await world.refund(channel, order, (order.lines[0]["id"], 1))
    assert sorted(one.status for one in await owned_of(world, order)) == ["active", "consumed", "revoked"]
    world.advance(1)
    await world.dispute(channel, order)
    await world.resolve(order, refund=True)
    assert {one.status for one in await owned_of(world, order)} == {"revoked"}


async def test_what_was_handed_on_is_kept(world: World) -> None:
    """OWN-034: the buyer's own go first; what is another's is neither refunded nor replaced, but by a lost dispute."""
    channel = await world.channel()
    order = await world.order(channel, line(await world.offer(codes=["A", "B", "C"]), 2))
    gone, kept = await owned_of(world, order)
    who = await resolved(world, channel, "friend")
    await accepted(world, channel, who, await offered(world, channel, gone))
    await refused("entitlement_transferred", world.replace(channel, order, gone.delivery_id), "/delivery_id")
    await refused("entitlement_transferred", world.refund(channel, order), "/lines")
    await world.refund(channel, order, (order.lines[0]["id"], 1))
    assert [one.status for one in await owned_of(world, order)] == ["active", "revoked"]
    await refused("entitlement_transferred", world.refund(channel, order), "/lines")
    assert kept.id != gone.id
    world.advance(1)
    await world.dispute(channel, order)
    await world.resolve(order, refund=True)
    assert {one.status for one in await owned_of(world, order)} == {"revoked"}


async def test_the_proof_follows_the_owner(world: World) -> None:
    """OWN-021, OWN-022, OWN-033: each owner has a place of its own, and a later one no price and no order."""
    channel, other = await world.channel(), await world.channel()
    order = await world.order(channel, line(await world.offer(codes=["A"])))
    (one,) = await owned_of(world, order)

    async def proof(shop: Channel) -> certificates.Draft:
        call = world.call(shop.id)
        return await world.run(
            lambda books: certificates.issue_certificate(books, world.vault, call, one.id, None)
        )

    first, again = await proof(channel), await proof(channel)
    assert (first.list_id, first.place) == (again.list_id, again.place)
    assert (first.disclosable["price"], first.disclosable["order_id"]) == (wire.money(1000, "EUR"), order.id)
    who = await resolved(world, other, "friend")
    await accepted(world, other, who, await offered(world, channel, one))
    await refused("not_found", proof(channel))
    second = await proof(other)
    assert second.place != first.place
    assert not {"price", "order_id"} & second.disclosable.keys()
    assert [(row.place, row.status) for row in await world.rows(StatusEntry)] == [(first.place, 1)]
    back = await resolved(world, channel, "b1")
    await accepted(world, channel, back, await offered(world, other, one))
    third = await proof(channel)
    assert len({first.place, second.place, third.place}) == 3
    assert [row.change for row in await world.rows(OwnershipChange)].count("transferred") == 2
    await owned_of(world, order)


async def test_a_certificate_says_what_this_unit_cost(world: World) -> None:
    """OWN-015: where the order has the product at two prices, each certificate says that of its own line."""
    channel, offer = await world.channel(), await world.offer(quantity=2)
    held = await world.hold(channel, offer)
    cheaper = await world.update(offer, price={"amount": 300, "currency": "EUR"})
    order = await world.order(channel, line(offer, hold=held), line(cheaper))
    line_of = {row.id: row.line_id for row in await world.rows(Delivery)}
    prices = {row["id"]: row["unit_price"] for row in order.lines}
    for one in await owned_of(world, order):
        issue, call = certificates.issue_certificate, world.call(channel.id)
        draft = await world.run(lambda books, one=one: issue(books, world.vault, call, one.id, None))  # type: ignore[misc]  # noqa: B023
        assert draft.disclosable["price"] == prices[line_of[one.delivery_id]]


async def test_an_offer_does_not_outlive_what_it_offers(world: World) -> None:
    """Refunded, used up or revealed (where that decides), the code is worth nothing; suspended, it waits."""
    channel = await world.channel()
    who = await resolved(world, channel, "friend")
    order = await world.order(channel, line(await world.offer(transferable="until_revealed", quantity=3), 3))
    revealed, used, back = await owned_of(world, order)
    codes = [await offered(world, channel, one) for one in (revealed, used, back)]
    await world.dispute(channel, order)
    await refused("transfer_not_allowed", accepted(world, channel, who, codes[0]))
    await world.resolve(order, refund=False)
    await world.reveal(channel, revealed.delivery_id)
    call = world.call(channel.id)
    await world.run(lambda books: ownership.consume_entitlement(books, call, used.id))
    await world.refund(channel, order, (order.lines[0]["id"], 2))
    for code, one in zip(codes, (revealed, used, back), strict=True):
        now = next(row for row in await world.rows(Entitlement) if row.id == one.id)
        if now.transfer_id is None:
            await refused("transfer_not_open", accepted(world, channel, who, code))
    assert sum(row.status == "offered" for row in await world.rows(Transfer)) == 0
    await owned_of(world, order)


async def test_offers_are_the_recipients_own(world: World) -> None:
    """Not another channel's buyer, not a stranger, and not the owner herself."""
    channel, other = await world.channel(), await world.channel()
    order = await world.order(channel, line(await world.offer(quantity=1)))
    (one,) = await owned_of(world, order)
    code = await offered(world, channel, one, 10)
    there = await resolved(world, other, "friend")
    await refused("not_found", accepted(world, channel, there, code), "/buyer_id")
    await refused("not_found", accepted(world, channel, "buy_nobody", code), "/buyer_id")
    herself = await resolved(world, channel, "b1")
    await refused("transfer_not_allowed", accepted(world, channel, herself, code), "/buyer_id")
    await refused("not_found", accepted(world, other, there, transfers.new_code()), "/code")
    world.advance(10)
    await refused("transfer_not_open", accepted(world, other, there, code), "/code")
    again = await offered(world, channel, one)  # the late one is closed on the way
    assert (await accepted(world, other, there, again.lower())).entitlement.period == 2


async def test_a_token_that_moved_is_gone(world: World) -> None:
    """TOK-007, OWN-034: also while its payment is disputed, and no refund is given for what the buyer has sent away."""
    channel, contract = await world.channel(), "eip155:1/erc721:0x52908400098527886E0F7030069857D2E4169EE7"
    offer = await world.offer(delivery_kind="token", on_demand={"supplier": "makes"})
    row = {**line(offer), "buyer_input": {"address": "0x8617E340B3D01FA5F11F306F4090FD50E238070D"}}
    order = await world.order(channel, row)
    (supply,) = await world.rows(Supply)
    await world.run(lambda books: supplies.ask(books, world.call(), supply.id, 0))
    token = {
        "chain": "eip155:1",
        "asset": f"{contract}/1",
        "token_id": "1",
        "owner": "eip155:1:0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    }
    made = json.dumps({**token, "transaction": "0x01"})
    await world.run(lambda books: supplies.note_made(books, world.vault, world.call(), supply.id, made))
    await world.dispute(channel, order)
    await world.run(lambda books: tokens.note_moved(books, world.call(), contract, 1, 9, [1]))
    world.advance(1)
    await world.resolve(order, refund=False)
    assert [one.status for one in await owned_of(world, order)] == ["transferred"]
    await refused("entitlement_transferred", world.refund(channel, order), "/lines")
    world.advance(1)
    await world.dispute(channel, order)
    await world.resolve(order, refund=True)
    assert [one.status for one in await owned_of(world, order)] == ["transferred"]


async def test_what_was_sold_before_is_adopted(world: World) -> None:
    """Units without an entitlement get one: once, and not for what was taken back."""
    channel = await world.channel()
    order = await world.order(channel, line(await world.offer(codes=["A", "B"]), 2))
    await world.refund(channel, order, (order.lines[0]["id"], 1))
    voided, living = sorted(await world.rows(Delivery), key=lambda row: row.status != "voided")

    def forget(books: Books) -> None:
        for row in (voided, living):
            books.put(ownership.replace(row, entitlement_id=None))

    await world.run(forget)
    for row, done in ((living, True), (living, False), (voided, False)):
        adopted = await world.run(lambda books, row=row: ownership.adopt(books, world.vault, row.id))  # type: ignore[misc]
        assert adopted is done
    now = next(row for row in await world.rows(Delivery) if row.id == living.id)
    one = next(row for row in await world.rows(Entitlement) if row.id == now.entitlement_id)
    assert (one.status, one.leaf_hash, one.account_id) == (
        "active",
        None,
        identity.account_id(world.vault, channel.id, "b1"),
    )


@pytest.mark.parametrize("status", spec.entitlement_transitions().states)
@pytest.mark.parametrize("event", sorted({event for _, event in TABLE}))
async def test_nothing_but_the_table_happens(memory_world: World, status: str, event: str) -> None:
    """OWN-013: each step goes where the table says, and what it does not have is refused."""
    world, channel = memory_world, await memory_world.channel()
    await world.order(channel, line(await world.offer(quantity=1)))
    (one,) = await world.rows(Entitlement)
    call, target = world.call(), TABLE.get((status, event))

    def rule(books: Books) -> Entitlement:
        return ownership.step(books, call, ownership.replace(one, status=status), event)

    if target is None:
        with pytest.raises(ProtocolError):
            await world.run(rule)
    else:
        assert (await world.run(rule)).status == target


def test_places_are_scattered() -> None:
    """OWN-022: every place of a list comes once, and neighbours in time are no neighbours in the list."""
    vault = AesVault(new_entry())
    places = [status_lists.scatter(vault, 0, turn) for turn in range(2000)]
    assert len({*places}) == 2000
    assert all(0 <= place < status_lists.SIZE for place in places)
    near = sum(abs(a - b) < 100 for a, b in pairwise(places))
    assert near < 20
    assert places != [status_lists.scatter(vault, 1, turn) for turn in range(2000)]


@given(st.dictionaries(st.integers(0, status_lists.SIZE - 1), st.sampled_from([1, 2]), max_size=50))
def test_a_packed_list_says_what_was_put_in(entries: dict[int, int]) -> None:
    """Two bits an entry, the lowest first."""
    text = status_lists.pack(entries.items())
    raw = zlib.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    assert len(raw) == status_lists.SIZE // 4
    found = {place: raw[place // 4] >> 2 * (place % 4) & 3 for place in entries}
    assert found == entries
    assert sum(byte.bit_count() for byte in raw) == len(entries)
