"""Leases of stock and reports of what was sold from them, on both databases."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from gateway.core import catalog, sales, wire
from gateway.core.errors import ProtocolError
from gateway.core.model import Delivery, Event, Offer, Order
from gateway.core.model_allotments import Allotment
from gateway.core.model_limits import SaleCount
from gateway.storage.audit import audit
from tests.core.stores import DatabaseStore
from tests.core.world import World, line, refused, sale

DAY = 86_400


def leased(count: int = 6, **members: Any) -> dict[str, Any]:
    """An offer of so many codes that may be leased."""
    return {"codes": [f"code-{n}" for n in range(count)], "consistency": "allotment", **members}


async def counters(world: World, offer: Offer) -> tuple[int, int, int, int]:
    """available, allotted, sold and voided, after a look at all the books."""
    row = await world.stock(offer)
    assert isinstance(world.store, DatabaseStore)
    assert await audit(world.store.engine) == []
    return row.available, row.allotted, row.sold, row.voided


async def lease_now(world: World, lease: Allotment) -> Allotment:
    """The lease as it is in the books."""
    return next(row for row in await world.rows(Allotment) if row.id == lease.id)


def codes_of(results: list[sales.Result]) -> list[str | None]:
    """The problem of each sale, None for one that was accepted."""
    return [one.error.code if one.error else None for one in results]


async def test_a_lease_is_set_aside(world: World) -> None:
    """ALT-001, ALT-002: nobody else can have it; what is left is shared, and more than that is refused."""
    channel, other = await world.channel(), await world.channel()
    offer = await world.offer(**leased(6))
    lease = await world.lease(channel, offer, 4, reference="fair")
    assert (lease.status, lease.remaining, lease.unit_amount) == ("active", 4, 1000)
    await refused("out_of_stock", world.order(other, line(offer, 3)))
    await refused("out_of_stock", world.order(channel, line(offer, 3)))
    await refused("out_of_stock", world.lease(other, offer, 3), "/quantity")
    await world.order(other, line(offer, 2))
    assert await counters(world, offer) == (0, 4, 2, 0)


async def test_strict_offers_are_not_leased(world: World) -> None:
    """ALT-003, until the merchant changes the class; what is leased then stays so when it is changed back."""
    channel, offer = await world.channel(), await world.offer(quantity=5)
    await refused("allotment_not_allowed", world.lease(channel, offer, 1), "/offer_id")
    await _consistency(world, offer, "allotment")
    lease = await world.lease(channel, offer, 2)
    await _consistency(world, offer, "strict")
    await refused("allotment_not_allowed", world.lease(channel, offer, 1))
    assert codes_of(await world.report(channel, lease, sale(lease, 2))) == [None]
    kinds = [event.type for event in await world.rows(Event) if event.subject == offer.id]
    assert kinds.count("offer.updated") == 3


async def test_sales_become_orders(world: World) -> None:
    """ALT-009: paid, fulfilled, delivered with codes from the lease, under the sale's reference."""
    channel, offer = await world.channel(), await world.offer(**leased(6))
    lease = await world.lease(channel, offer, 4)
    made = [sale(lease, 2, "till-1", payment={"method": "cash"}), sale(lease, 1, "till-2", by="b2")]
    results = await world.report(channel, lease, *made)
    assert codes_of(results) == [None, None]
    orders = {row.reference: row for row in await world.rows(Order)}
    first = await world.order_now(orders["till-1"])
    assert (first.status, first.channel_id, first.total_amount) == ("fulfilled", channel.id, 2000)
    assert (first.payment["status"], first.payment["method"]) == ("collected", "cash")
    assert first.allotment == {"id": lease.id, "taken_from": "lease"}
    units = [row.unit_id for row in await world.rows(Delivery)]
    assert len(units) == len(set(units)) == 3
    goods = [await world.reveal(channel, row.id) for row in await world.rows(Delivery)]
    assert len({one["goods"]["code"]["value"] for one in goods}) == 3
    assert (await lease_now(world, lease)).remaining == 1
    assert await counters(world, offer) == (2, 1, 3, 0)


async def test_the_time_of_the_sale_is_kept(world: World) -> None:
    """The buyer paid when the channel says, not when it reported; never after that."""
    channel, offer = await world.channel(), await world.offer(**leased(2))
    lease = await world.lease(channel, offer, 2)
    world.advance(3600)
    await world.report(
        channel, lease, sale(lease, 1, "past"), sale(lease, 1, "ahead", sold_at="2099-01-01T00:00:00Z")
    )
    paid = {row.reference: row.payment["collected_at"] for row in await world.rows(Order)}
    assert paid == {"past": wire.timestamp(lease.created_at), "ahead": wire.timestamp(world.now)}


async def test_a_sale_is_accepted_once(world: World) -> None:
    """ALT-010, ALT-011: again in the same or another report it is the same order; another sale is not it."""
    channel, offer = await world.channel(), await world.offer(**leased(6))
    lease, other = await world.lease(channel, offer, 3), await world.lease(channel, offer, 1)
    one = sale(lease, 1, "once")
    first = await world.report(channel, lease, one, one)
    again = await world.report(channel, lease, sale(lease, 1, "new"), one)
    orders = {result.order.id for result in (*first, again[1]) if result.order}
    assert len(orders) == 1
    changed = [{**one, "quantity": 2}, {**one, "buyer": {"reference": "b2"}}]
    assert codes_of(await world.report(channel, lease, *changed)) == ["reference_in_use"] * 2
    assert codes_of(await world.report(channel, other, one)) == ["reference_in_use"]
    bought = await world.order(channel, line(offer))
    assert codes_of(await world.report(channel, lease, sale(lease, 1, bought.reference))) == [
        "reference_in_use"
    ]
    assert await counters(world, offer) == (1, 2, 3, 0)


async def test_each_sale_is_judged_by_itself(world: World) -> None:
    """ALT-012, ALT-013: price, region, input and limits refuse one sale, change nothing, and the others go through."""
    channel = await world.channel()
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    limits = {"regions": ["DE"], "max_per_order": 3, "purchase_limit": {"quantity": 2}}
    offer = await world.offer(**leased(9, restrictions=limits, buyer_input=schema))
    lease = await world.lease(channel, offer, 8)
    here = {"reference": "b1", "region": "DE"}
    results = await world.report(
        channel,
        lease,
        sale(lease, 1, buyer=here, unit_price={"amount": 999, "currency": "EUR"}, buyer_input={}),
        sale(lease, 1, buyer={"reference": "b1", "region": "FR"}, buyer_input={}),
        sale(lease, 1, buyer=here, buyer_input={"name": 1}),
        sale(lease, 4, buyer=here, buyer_input={}),
        sale(lease, 2, buyer=here, buyer_input={}),
        sale(lease, 1, buyer=here, buyer_input={}),
        sale(lease, 2, buyer={"reference": "b2", "region": "DE"}, buyer_input={}),
    )
    assert codes_of(results) == [
        "price_mismatch",
        "region_not_allowed",
        "buyer_input_invalid",
        "quantity_not_allowed",
        None,
        "purchase_limit_reached",
        None,
    ]
    assert results[0].error is not None
    assert [one.pointer for one in results[0].error.errors] == ["/sales/0/unit_price"]
    assert len(await world.rows(Order)) == 2
    assert await counters(world, offer) == (1, 4, 4, 0)


async def test_the_lease_keeps_its_price(world: World) -> None:
    """ALT-017: sold at the price of the lease when the offer has become dearer, also when it was withdrawn since."""
    channel, offer = await world.channel(), await world.offer(**leased(6))
    lease = await world.lease(channel, offer, 2)
    await world.update(offer, price={"amount": 1500, "currency": "EUR"}, withdrawn=True)
    dearer = sale(lease, 1, unit_price={"amount": 1500, "currency": "EUR"})
    assert codes_of(await world.report(channel, lease, dearer, sale(lease, 2))) == ["price_mismatch", None]
    assert codes_of(await world.report(channel, lease, sale(lease, 1))) == ["allotment_exhausted"]
    assert [row.total_amount for row in await world.rows(Order)] == [2000]


@pytest.mark.parametrize("late", ["expired", "recalled", "released", "sold out"])
async def test_late_sales_are_taken_while_stock_lasts(world: World, late: str) -> None:
    """ALT-014, ALT-015: from what is on sale to all; beyond that refused, with nothing changed for it."""
    channel, offer = await world.channel(), await world.offer(**leased(5, safety_stock=1))
    lease = await world.lease(channel, offer, 2)
    if late == "expired":
        world.advance(DAY)
    elif late == "recalled":
        await world.recall(lease, 0)
    elif late == "released":
        await world.give_back(channel, lease)
    else:
        await world.report(channel, lease, sale(lease, 2))
    there = 2 if late == "sold out" else 4
    made = [sale(lease, 1) for _ in range(there)]
    results = await world.report(channel, lease, *made, sale(lease, 1, "too-late"))
    assert codes_of(results) == [None] * there + ["allotment_exhausted"]
    notes = [one.order.allotment["taken_from"] for one in results if one.order and one.order.allotment]
    assert notes == ["stock"] * there
    assert await counters(world, offer) == (1, 0, 4, 0)
    await world.update(offer, add_codes=["fresh"])
    assert codes_of(await world.report(channel, lease, sale(lease, 1, "too-late"))) == [None]


async def test_more_than_remains_is_taken_from_the_stock(world: World) -> None:
    """ALT-014: as a whole, so that the lease keeps what it has."""
    channel, offer = await world.channel(), await world.offer(**leased(5))
    lease = await world.lease(channel, offer, 2)
    assert codes_of(await world.report(channel, lease, sale(lease, 3), sale(lease, 2))) == [None, None]
    assert await counters(world, offer) == (0, 0, 5, 0)
    assert codes_of(await world.report(channel, lease, sale(lease, 1))) == ["allotment_exhausted"]


async def test_safety_stock_is_not_leased(world: World) -> None:
    """ALT-006."""
    channel, offer = await world.channel(), await world.offer(**leased(5, safety_stock=3))
    await refused("out_of_stock", world.lease(channel, offer, 3))
    await world.lease(channel, offer, 2)
    assert await counters(world, offer) == (3, 2, 0, 0)


async def test_leases_count_against_the_channel(world: World) -> None:
    """ALT-007: once, leased or sold; what comes back counts no more, a late sale counts anew."""
    limits = {"channel_limit": {"quantity": 4}}
    channel, offer = await world.channel(), await world.offer(**leased(12, restrictions=limits))
    lease = await world.lease(channel, offer, 3)
    await refused("channel_limit_reached", world.lease(channel, offer, 2), "/quantity")
    await refused("channel_limit_reached", world.order(channel, line(offer, 2)))
    await world.report(channel, lease, sale(lease, 2))
    assert [row.quantity for row in await world.rows(SaleCount)] == [3]
    await world.give_back(channel, lease)
    assert [row.quantity for row in await world.rows(SaleCount)] == [2]
    results = await world.report(channel, lease, sale(lease, 2), sale(lease, 1))
    assert codes_of(results) == [None, "channel_limit_reached"]
    await world.refund(channel, next(row for row in await world.rows(Order) if row.allotment))
    assert [row.quantity for row in await world.rows(SaleCount)] == [2]
    assert await counters(world, offer) == (8, 0, 2, 2)


async def test_release(world: World) -> None:
    """ALT-018, ALT-019: some, then too much, then all; after that there is nothing, and nothing happens."""
    channel, other = await world.channel(), await world.channel()
    offer = await world.offer(**leased(5))
    lease = await world.lease(channel, offer, 4)
    assert (await world.give_back(channel, lease, 1)).remaining == 3
    await refused("exceeds_allotment", world.give_back(channel, lease, 4), "/quantity")
    await refused("not_found", world.give_back(other, lease))
    ended = await world.give_back(channel, lease)
    assert (ended.status, ended.returned, ended.remaining) == ("ended", 4, 0)
    assert await world.give_back(channel, lease) == ended
    assert await counters(world, offer) == (5, 0, 0, 0)


async def test_expiry(world: World) -> None:
    """ALT-004, ALT-020: at the instant of its end, once; a wish beyond the cap is cut."""
    channel, offer = await world.channel(), await world.offer(**leased(5))
    lease = await world.lease(channel, offer, 4, ttl_seconds=30 * DAY)
    assert (lease.expires_at - lease.created_at).days == 7
    world.advance(7 * DAY - 1)
    assert not await world.end_lease(lease)
    world.advance(1)
    assert await world.end_lease(lease)
    assert not await world.end_lease(lease)
    assert (await lease_now(world, lease)).status == "ended"
    assert await counters(world, offer) == (5, 0, 0, 0)


async def test_recall(world: World) -> None:
    """ALT-021 to ALT-023: the channel is told, reports within the grace are from the lease, the rest comes back."""
    channel, offer = await world.channel(), await world.offer(**leased(5))
    lease = await world.lease(channel, offer, 4)
    recalled = await world.recall(lease, 600)
    assert (recalled.status, (recalled.expires_at - world.now).seconds) == ("recalled", 600)
    assert (await world.recall(lease, 900)) == recalled
    told = await world.events(channel, "allotment.recalled")
    assert [event.data["allotment"]["remaining"] for event in told] == [4]
    assert [event.revision for event in told] == [recalled.revision]
    assert codes_of(await world.report(channel, lease, sale(lease, 1))) == [None]
    assert await counters(world, offer) == (1, 3, 1, 0)
    world.advance(600)
    assert await world.end_lease(lease)
    assert await world.recall(lease) == await lease_now(world, lease)
    assert len(await world.events(channel, "allotment.recalled")) == 1
    assert await counters(world, offer) == (4, 0, 1, 0)


async def test_other_channels_see_nothing(world: World) -> None:
    """AUT-011: another channel cannot report, and a report of too many units is refused as a whole."""
    channel, other = await world.channel(), await world.channel()
    offer = await world.offer(quantity=3000, consistency="allotment", delivery_kind="licence")
    lease = await world.lease(channel, offer, 2000)
    await refused("not_found", world.report(other, lease, sale(lease)))
    error = await refused(
        "quantity_not_allowed", world.report(channel, lease, sale(lease, 600), sale(lease, 600))
    )
    assert [one.pointer for one in error.errors] == ["/sales"]
    assert await counters(world, offer) == (1000, 2000, 0, 0)


async def test_reports_at_once_never_oversell(world: World) -> None:
    """ALT-016: the same sales reported twenty times at once, among orders of others, in shared flights."""
    channel, other = await world.channel(), await world.channel()
    offer = await world.offer(**leased(12))
    lease = await world.lease(channel, offer, 8)
    made = [sale(lease, 1, f"s-{n}") for n in range(10)]
    reports = [world.report(channel, lease, *made[n % 4 : n % 4 + 7]) for n in range(20)]
    orders = [world.order(other, line(offer, 1)) for _ in range(6)]
    found: list[Any] = await asyncio.gather(*reports, *orders, return_exceptions=True)
    sold = [row for row in await world.rows(Order) if row.allotment]
    assert max(Counter(row.reference for row in sold).values()) == 1
    assert all(isinstance(one, (list, Order, ProtocolError)) for one in found)
    available, allotted, gone, _ = await counters(world, offer)
    assert (available + allotted + gone, gone) == (12, len(await world.rows(Order)))


async def test_leased_stock_is_shown_as_sold_out(world: World) -> None:
    """ALT-001, EVT-005: offers show what is left for all, and come back with what is released."""
    channel, offer = await world.channel(), await world.offer(**leased(3))
    lease = await world.lease(channel, offer, 3)
    shown = next(row for row in await world.rows(Offer) if row.id == offer.id)
    assert shown.availability == "out_of_stock"
    await world.give_back(channel, lease)
    shown = next(row for row in await world.rows(Offer) if row.id == offer.id)
    assert shown.availability == "low_stock"


async def _consistency(world: World, offer: Offer, name: str) -> None:
    call = world.call()
    await world.run(lambda books: catalog.change_offer(books, call, offer.id, {"consistency": name}))
