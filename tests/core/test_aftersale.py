"""After the sale (spec/text/orders.md): refunds, replacements, disputes, and payments that come late."""

from __future__ import annotations

import pytest

from gateway.core import wire
from gateway.core.model import Channel, Delivery, Offer, Order, Unit
from tests.core.world import World, line, refused


async def living(world: World, order: Order) -> list[Delivery]:
    """The order's deliveries that are not voided."""
    return [row for row in await world.rows(Delivery) if row.order_id == order.id and row.status != "voided"]


async def late_order(world: World, offer: Offer, quantity: int = 1) -> tuple[Channel, Order]:
    """A channel and its pending order, whose payment was due a second ago and that nobody has swept."""
    channel = await world.channel()
    order = await world.pending(channel, line(offer, quantity))
    world.advance(1801)
    return channel, order


async def test_a_refund_takes_the_goods_first(world: World) -> None:
    """ORD-025 to ORD-028: deliveries voided, stock voided, the amount instructed, the order refunded."""
    channel, offer = await world.channel(), await world.offer(codes=["A", "B", "C"])
    payment = {"status": "collected", "reference": "psp-1"}
    order = await world.order(channel, line(offer, 2), payment=payment)
    old = await living(world, order)
    after = await world.refund(channel, order, reference="return-1")
    (refund,) = after.refunds
    assert (after.status, refund["amount"], refund["reference"]) == (
        "refunded",
        wire.money(2000, "EUR"),
        "return-1",
    )
    assert refund["instruction"] == {
        "action": "return_payment",
        "collected_by": "channel",
        "amount": wire.money(2000, "EUR"),
        "payment_reference": "psp-1",
    }
    assert await living(world, order) == []
    for one in old:
        await refused("delivery_voided", world.reveal(channel, one.id))
    stock = await world.stock(offer)
    assert (stock.available, stock.sold, stock.voided) == (1, 0, 2)
    told = (await world.events(channel, "order.updated"))[-1].data["order"]
    assert (told["status"], told["refunds"]) == ("refunded", after.refunds)


async def test_a_part_is_refunded_at_its_price(world: World) -> None:
    """ORD-025, ORD-028, ORD-029: by line and quantity, until nothing is left and no further."""
    channel = await world.channel()
    dear = await world.offer(quantity=9, price={"amount": 700, "currency": "EUR"})
    cheap = await world.offer(codes=["A", "B", "C"])
    order = await world.order(channel, line(dear, 2), line(cheap, 3))
    first, second = (row["id"] for row in order.lines)
    after = await world.refund(channel, order, (second, 2))
    assert (after.status, after.refunds[0]["amount"]["amount"]) == ("partially_refunded", 2000)
    await refused("exceeds_order", world.refund(channel, order, (second, 2)), "/lines/0/quantity")
    await refused("exceeds_order", world.refund(channel, order, (first, 1), (first, 2)), "/lines/1/quantity")
    await refused("exceeds_order", world.refund(channel, order, ("ln_none", 1)), "/lines/0/quantity")
    assert (await world.order_now(order)).refunds == after.refunds
    again = await world.refund(channel, order, (first, 1))
    assert (again.status, again.refunds[1]["amount"]["amount"]) == ("partially_refunded", 700)
    assert len(await living(world, order)) == 2
    done = await world.refund(channel, order)
    assert (done.status, done.refunds[2]["amount"]["amount"]) == ("refunded", 1700)
    assert sum(one["amount"]["amount"] for one in done.refunds) == order.total_amount
    await refused("transition_not_allowed", world.refund(channel, order))
    assert ((await world.stock(dear)).voided, (await world.stock(cheap)).voided) == (2, 3)


async def test_what_nobody_opened_goes_back_first(world: World) -> None:
    """A buyer keeps the code that she has seen when one of two is refunded."""
    channel, offer = await world.channel(), await world.offer(codes=["A", "B"])
    order = await world.order(channel, line(offer, 2))
    seen = (await living(world, order))[0]
    await world.reveal(channel, seen.id)
    await world.refund(channel, order, (order.lines[0]["id"], 1))
    assert [row.id for row in await living(world, order)] == [seen.id]


async def test_only_the_fulfilled_is_refunded(world: World) -> None:
    """ORD-031: not what waits for payment, not what is cancelled, and not another channel's."""
    channel, offer = await world.channel(), await world.offer(quantity=9)
    order = await world.pending(channel, line(offer))
    await refused("transition_not_allowed", world.refund(channel, order))
    await world.cancel(channel, order)
    await refused("transition_not_allowed", world.refund(channel, order))
    other = await world.order(await world.channel(), line(offer))
    await refused("not_found", world.refund(channel, other))


async def test_a_dead_code_is_replaced(world: World) -> None:
    """ORD-027, ORD-032: the old one is voided and never sold again, the new one names it."""
    channel, offer = await world.channel(), await world.offer(codes=["dead", "good", "last"])
    order = await world.order(channel, line(offer))
    (old,) = await living(world, order)
    voided, made = await world.replace(channel, order, old.id)
    assert (voided.id, voided.status, made.replaces) == (old.id, "voided", old.id)
    assert (await world.reveal(channel, made.id))["goods"]["code"]["value"] == "good"
    await refused("delivery_voided", world.reveal(channel, old.id))
    await refused("delivery_voided", world.replace(channel, order, old.id))
    assert (await world.events(channel, "delivery.ready"))[-1].data["delivery"]["replaces"] == old.id
    stock = await world.stock(offer)
    assert (stock.available, stock.sold, stock.voided) == (1, 1, 1)
    await world.refund(channel, order)
    assert await living(world, order) == []
    assert [row.state for row in await world.rows(Unit)].count("voided") == 2


async def test_no_replacement_without_stock(world: World) -> None:
    """ORD-033: and the delivery stays as it is; of goods that are made there is always another."""
    channel, offer = await world.channel(), await world.offer(codes=["only"])
    order = await world.order(channel, line(offer))
    (old,) = await living(world, order)
    await refused("out_of_stock", world.replace(channel, order, old.id), "/delivery_id")
    assert (await world.reveal(channel, old.id))["goods"]["code"]["value"] == "only"
    made = await world.order(channel, line(await world.offer(delivery_kind="licence")))
    (key,) = await living(world, made)
    before = (await world.reveal(channel, key.id))["goods"]
    _, new = await world.replace(channel, made, key.id)
    assert (await world.reveal(channel, new.id))["goods"] != before


async def test_replacing_what_is_not_there(world: World) -> None:
    """Another order's delivery, another channel's order, and an order that is refunded."""
    channel, offer = await world.channel(), await world.offer(codes=["A", "B", "C"])
    one, two = await world.order(channel, line(offer)), await world.order(channel, line(offer))
    (delivery,) = await living(world, one)
    await refused("not_found", world.replace(channel, two, delivery.id), "/delivery_id")
    await refused("not_found", world.replace(await world.channel(), one, delivery.id))
    await world.dispute(channel, one)
    await refused("transition_not_allowed", world.replace(channel, one, delivery.id))


async def test_a_dispute_is_dismissed(world: World) -> None:
    """ORD-034: the order shows it, waits for the merchant, and is fulfilled again."""
    channel, offer = await world.channel(), await world.offer(codes=["A"])
    order = await world.order(channel, line(offer))
    disputed = await world.dispute(channel, order, evidence="case 1")
    (dispute,) = disputed.disputes
    assert (disputed.status, dispute["status"]) == ("disputed", "open")
    assert (dispute["amount"], dispute["evidence"]) == (wire.money(1000, "EUR"), "case 1")
    await refused("transition_not_allowed", world.dispute(channel, order))
    after = await world.resolve(order, refund=False)
    assert (after.status, after.disputes[0]["status"], after.refunds) == ("fulfilled", "dismissed", [])
    await refused("transition_not_allowed", world.resolve(order, refund=False))
    assert len(await living(world, order)) == 1


async def test_the_rest_of_an_order_is_disputed(world: World) -> None:
    """ORD-034: after a part was refunded, the rest can be disputed; dismissed, the order is as it was before."""
    channel, offer = await world.channel(), await world.offer(codes=["A", "B"])
    order = await world.order(channel, line(offer, 2))
    part = await world.refund(channel, order, (order.lines[0]["id"], 1))
    assert (await world.dispute(channel, part)).status == "disputed"
    after = await world.resolve(part, refund=False)
    assert (after.status, after.disputes[0]["status"]) == ("partially_refunded", "dismissed")
    world.advance(1)  # the log of ownership has no two entries that are alike
    await world.dispute(channel, after)
    lost = await world.resolve(after, refund=True)
    assert (lost.status, len(lost.refunds), await living(world, lost)) == ("refunded", 2, [])


async def test_a_dispute_is_lost(world: World) -> None:
    """The goods are taken back and the money is instructed, by the merchant or by the channel's own refund."""
    channel, offer = await world.channel(), await world.offer(codes=["A", "B"])
    for by_merchant in (True, False):
        order = await world.order(channel, line(offer))
        await world.dispute(channel, order)
        after = await (world.resolve(order, refund=True) if by_merchant else world.refund(channel, order))
        assert (after.status, after.disputes[0]["status"]) == ("refunded", "refunded")
        assert after.refunds[0]["reason"] == ("dispute" if by_merchant else "buyer_request")
        assert await living(world, order) == []


@pytest.mark.parametrize("amount", [{"amount": 1001, "currency": "EUR"}, {"amount": 1, "currency": "USD"}])
async def test_no_more_than_was_paid_is_disputed(world: World, amount: dict[str, object]) -> None:
    """A dispute is about the order's money."""
    channel, offer = await world.channel(), await world.offer(quantity=1)
    order = await world.order(channel, line(offer))
    await refused("exceeds_order", world.dispute(channel, order, amount=amount), "/amount")
    await refused("not_found", world.resolve(type("Order", (), {"id": "ord_none"})(), refund=True))


@pytest.mark.parametrize("swept", [True, False])
async def test_a_late_payment_takes_stock_anew(world: World, swept: bool) -> None:
    """ORD-035: fulfilled though it was expired, whether anybody had noticed or not."""
    offer = await world.offer(codes=["A", "B"])
    channel, order = await late_order(world, offer, 2)
    if swept:
        await world.hold(channel, offer, 2)  # ends what is due; and ends itself
        world.advance(601)
    paid = await world.confirm(channel, order)
    assert (paid.status, paid.payment["status"], paid.refunds) == ("fulfilled", "collected", [])
    assert len(await living(world, order)) == 2
    stock = await world.stock(offer)
    assert (stock.available, stock.reserved, stock.sold) == (0, 0, 2)
    told = [event.data["order"]["status"] for event in await world.events(channel, "order.updated")]
    assert told == ["payment_required", "expired", "fulfilled"]


async def test_a_late_payment_is_given_back(world: World) -> None:
    """ORD-036: sold meanwhile, so the order ends refunded with an instruction, and cannot be paid twice."""
    offer = await world.offer(codes=["A"])
    channel, order = await late_order(world, offer)
    await world.order(channel, line(offer))
    ended = await world.confirm(channel, order)
    assert (ended.status, ended.payment["status"], ended.payment["method"]) == (
        "refunded",
        "collected",
        "card",
    )
    (refund,) = ended.refunds
    assert (refund["reason"], refund["amount"]) == ("late_payment", wire.money(1000, "EUR"))
    assert (await world.order_now(order)).refunds == [refund]
    await refused("transition_not_allowed", world.confirm(channel, order))
    await refused("transition_not_allowed", world.refund(channel, order))
    assert (await world.stock(offer)).sold == 1


async def test_all_lines_are_there_or_the_money_goes_back(world: World) -> None:
    """ORD-024, ORD-036: also when two lines want the same last unit, and when an offer is off sale."""
    offer, gone = await world.offer(quantity=2), await world.offer(quantity=5)
    channel = await world.channel()
    both = await world.pending(channel, line(offer), line(offer))
    world.advance(1801)
    await world.order(channel, line(offer))
    assert (await world.confirm(channel, both)).status == "refunded"
    other = await world.pending(channel, line(gone))
    world.advance(1801)
    await world.update(gone, withdrawn=True)
    assert (await world.confirm(channel, other)).status == "refunded"
    assert ((await world.stock(offer)).sold, (await world.stock(gone)).sold) == (1, 0)


async def test_a_late_payment_of_another_amount(world: World) -> None:
    """ORD-014 holds late too, and the refusal changes nothing."""
    offer = await world.offer(quantity=1)
    channel, order = await late_order(world, offer)
    await refused("amount_mismatch", world.confirm(channel, order, 999), "/amount")
    assert (await world.confirm(channel, order)).status == "fulfilled"
