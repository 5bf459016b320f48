"""spec/text/orders.md, over the rules alone."""

from __future__ import annotations

import pytest

import spec
from gateway.core import wire
from gateway.core.model import Delivery, Order, Unit
from gateway.core.privacy import DataUse
from tests.core.world import EUR10, World, line, refused


async def test_a_paid_order_is_fulfilled_at_once(world: World) -> None:
    """ORD-001, DLV-001: one call, one delivery for each unit, each code once."""
    channel, offer = await world.channel(), await world.offer(codes=["A-1", "A-2", "A-3"])
    order = await world.order(channel, line(offer, 2))
    assert (order.status, order.revision, order.total_amount) == ("fulfilled", 4, 2000)
    assert spec.validator("Order").errors(wire.render_order(order, DataUse(order.channel_id))) == []
    deliveries = await world.rows(Delivery)
    opened = [await world.reveal(channel, one.id) for one in deliveries]
    assert sorted(one["goods"]["code"]["value"] for one in opened) == ["A-1", "A-2"]
    after = await world.stock(offer)
    assert (after.available, after.sold) == (1, 2)


async def test_more_than_there_is_sells_nothing(world: World) -> None:
    """ORD-002, ORD-024: no line of an order that cannot be filled is sold."""
    channel, plenty, few = (
        await world.channel(),
        await world.offer(quantity=9),
        await world.offer(codes=["A"]),
    )
    await refused(
        "out_of_stock", world.order(channel, line(plenty, 2), line(few, 2)), pointer="/lines/1/quantity"
    )
    assert (await world.stock(plenty)).sold == 0
    assert (await world.rows(Order), await world.rows(Delivery)) == ([], [])


@pytest.mark.parametrize("price", [{"amount": 999, "currency": "EUR"}, {"amount": 1000, "currency": "USD"}])
async def test_another_price_is_refused(world: World, price: dict[str, object]) -> None:
    """ORD-003: amount and currency both are the price."""
    channel, offer = await world.channel(), await world.offer()
    attempt = world.order(channel, line(offer, unit_price=price))
    await refused("price_mismatch", attempt, pointer="/lines/0/unit_price")


async def test_a_withdrawn_offer_is_sold_from_holds_only(world: World) -> None:
    """ORD-004: what was held before can still be bought."""
    channel, offer = await world.channel(), await world.offer(quantity=5)
    hold = await world.hold(channel, offer)
    await world.update(offer, withdrawn=True)
    await refused("offer_withdrawn", world.order(channel, line(offer)), pointer="/lines/0/offer_id")
    assert (await world.order(channel, line(offer, hold=hold))).status == "fulfilled"


@pytest.mark.parametrize("buyer", [{"reference": "b"}, {"reference": "b", "region": "US"}])
async def test_a_region_that_is_not_allowed(world: World, buyer: dict[str, str]) -> None:
    """ORD-005: also for a buyer of whom no region is known."""
    channel, offer = await world.channel(), await world.offer(restrictions={"regions": ["DE", "AT"]})
    await refused("region_not_allowed", world.order(channel, line(offer), buyer=buyer), "/buyer/region")
    allowed = await world.order(channel, line(offer), buyer={"reference": "b", "region": "AT"})
    assert allowed.status == "fulfilled"


async def test_the_limit_is_one_of_the_order(world: World) -> None:
    """ORD-006: lines of one offer count together."""
    channel, offer = await world.channel(), await world.offer(restrictions={"max_per_order": 3})
    attempt = world.order(channel, line(offer, 2), line(offer, 2))
    await refused("quantity_not_allowed", attempt, pointer="/lines/1/quantity")
    assert (await world.order(channel, line(offer, 2), line(offer, 1))).status == "fulfilled"


async def test_no_order_has_more_than_a_thousand_units(world: World) -> None:
    """An order is what one transaction can carry."""
    channel, one, two = await world.channel(), await world.offer(), await world.offer()
    await refused("quantity_not_allowed", world.order(channel, line(one, 600), line(two, 600)), "/lines")


BUYER_INPUT = {
    "type": "object",
    "required": ["player_id"],
    "properties": {"player_id": {"type": "string", "pattern": "^[0-9]{4}$"}, "a/b": {"type": "integer"}},
}


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        (None, "/lines/0/buyer_input"),
        ({}, "/lines/0/buyer_input"),
        ({"player_id": "x-secret-x"}, "/lines/0/buyer_input/player_id"),
        ({"player_id": "1234", "a/b": "1"}, "/lines/0/buyer_input/a~1b"),
    ],
)
async def test_buyer_input_that_does_not_fit(world: World, given: object, pointer: str) -> None:
    """ORD-007: the bad member is named, and what the buyer typed is not repeated."""
    channel, offer = await world.channel(), await world.offer(buyer_input=BUYER_INPUT)
    members = {} if given is None else {"buyer_input": given}
    error = await refused("buyer_input_invalid", world.order(channel, line(offer, **members)), pointer)
    assert "x-secret-x" not in str([error.detail, error.errors])


async def test_buyer_input_is_kept_where_it_is_asked_for(world: World) -> None:
    """It goes to the order line; what nobody asked for is not kept."""
    channel, asks = await world.channel(), await world.offer(buyer_input=BUYER_INPUT)
    silent = await world.offer()
    given = {"player_id": "1234"}
    order = await world.order(channel, line(asks, buyer_input=given), line(silent, buyer_input=given))
    assert [one.get("buyer_input") for one in order.lines] == [given, None]


async def test_an_offer_needs_a_usable_schema(world: World) -> None:
    """What is no JSON Schema, or refers elsewhere, is refused when the offer is made."""
    for bad in ({"type": "nonsense"}, {"$ref": "https://schemas.example/x"}):
        await refused("invalid", world.offer(buyer_input=bad), pointer="/buyer_input")


async def test_a_reference_is_used_once_per_channel(world: World) -> None:
    """ORD-008: another channel may use the same one."""
    channel, other, offer = await world.channel(), await world.channel(), await world.offer()
    await world.order(channel, line(offer), reference="order-1")
    error = await refused(
        "reference_in_use", world.order(channel, line(offer), reference="order-1"), "/reference"
    )
    assert "ord_" not in str([error.detail, error.errors])
    assert (await world.order(other, line(offer), reference="order-1")).status == "fulfilled"


async def test_a_hold_is_used_up(world: World) -> None:
    """ORD-009, ORD-010: once by an order, and once within an order."""
    channel, offer = await world.channel(), await world.offer(quantity=3)
    hold = await world.hold(channel, offer)
    twice = world.order(channel, line(offer, hold=hold), line(offer, hold=hold))
    await refused("reservation_not_active", twice, pointer="/lines/1/reservation_id")
    order = await world.order(channel, line(offer, hold=hold))
    assert order.lines[0]["reservation_id"] == hold.id
    await refused("reservation_not_active", world.order(channel, line(offer, hold=hold)))
    after = await world.stock(offer)
    assert (after.available, after.reserved, after.sold) == (2, 0, 1)


async def test_a_hold_is_for_what_it_was_made_for(world: World) -> None:
    """ORD-011: offer, quantity and buyer."""
    channel, offer, other = (
        await world.channel(),
        await world.offer(quantity=9),
        await world.offer(quantity=9),
    )
    hold = await world.hold(channel, offer, 2)
    for body, buyer in (
        (line(offer, 1, hold), "b1"),
        (line(offer, 2, hold), "b2"),
        (line(offer, 2, hold, offer_id=other.id), "b1"),
    ):
        attempt = world.order(channel, body, buyer={"reference": buyer})
        await refused("reservation_mismatch", attempt, pointer="/lines/0/reservation_id")
    assert (await world.order(channel, line(offer, 2, hold))).status == "fulfilled"


async def test_a_hold_keeps_its_price(world: World) -> None:
    """INV-014: the price when it was made, not the one of today."""
    channel, offer = await world.channel(), await world.offer(quantity=9)
    hold = await world.hold(channel, offer)
    await world.update(offer, price={"amount": 1500, "currency": "EUR"})
    dearer = line(offer, hold=hold, unit_price={"amount": 1500, "currency": "EUR"})
    await refused("price_mismatch", world.order(channel, dearer))
    assert (await world.order(channel, line(offer, hold=hold))).total_amount == 1000


async def test_a_deleted_offer_is_not_sold(world: World) -> None:
    """CAT-008: as one that never was; what is held of it can still be bought."""
    channel, offer = await world.channel(), await world.offer(quantity=5)
    hold = await world.hold(channel, offer)
    await world.update(offer, deleted=True)
    await refused("not_found", world.order(channel, line(offer)), pointer="/lines/0/offer_id")
    await refused("not_found", world.hold(channel, offer), pointer="/offer_id")
    assert (await world.order(channel, line(offer, hold=hold))).status == "fulfilled"


async def test_lines_are_in_one_currency(world: World) -> None:
    """ORD-022: each line is right by itself."""
    channel, euros = await world.channel(), await world.offer()
    dollars = await world.offer(price={"amount": 1000, "currency": "USD"})
    await refused("currency_mixed", world.order(channel, line(euros), line(dollars)), pointer="/lines")


async def test_totals_are_exact(world: World) -> None:
    """ORD-021: integers, up to what a Money can say."""
    channel, offer = await world.channel(), await world.offer(price={"amount": 333, "currency": "EUR"})
    order = await world.order(channel, line(offer, 3), line(offer, 7))
    assert [one["total"]["amount"] for one in order.lines] == [999, 2331]
    assert order.total_amount == 3330
    dear = await world.offer(price={"amount": 9007199254740991, "currency": "EUR"})
    await refused("invalid", world.order(channel, line(dear, 2)), pointer="/lines")


async def test_what_is_not_there_and_what_is_anothers_are_the_same(world: World) -> None:
    """AUT-011: offers, holds and orders of another channel look like none."""
    mine, theirs = await world.channel(), await world.channel()
    offer, secret = await world.offer(), await world.offer(client_id=theirs.id)
    hold, order = await world.hold(theirs, offer), await world.pending(theirs, line(offer))
    nothing = await refused("not_found", world.order(mine, line(offer, offer_id="off_none")))
    hidden = await refused("not_found", world.order(mine, line(secret)))
    assert (nothing.detail, nothing.errors) == (hidden.detail, hidden.errors)
    await refused("not_found", world.order(mine, line(offer, hold=hold)), "/lines/0/reservation_id")
    await refused("not_found", world.confirm(mine, order))
    await refused("not_found", world.cancel(mine, order))


async def test_unknown_members_of_a_buyer_are_not_kept(world: World) -> None:
    """CNV-001: only what the standard knows."""
    channel, offer = await world.channel(), await world.offer()
    buyer = {"reference": "b", "locale": "en", "name": "Ada"}
    assert (await world.order(channel, line(offer), buyer=buyer)).buyer == {"reference": "b", "locale": "en"}


async def test_units_are_sold_in_the_order_they_came(world: World) -> None:
    """First in, first out."""
    channel, offer = await world.channel(), await world.offer(codes=[f"C-{n}" for n in range(5)])
    order = await world.order(channel, line(offer, 3, unit_price=EUR10))
    sold = [unit for unit in await world.rows(Unit) if unit.state == "sold"]
    assert sorted(unit.seq for unit in sold) == [0, 1, 2]
    assert {unit.order_id for unit in sold} == {order.id}
