"""The order path: hold, pay, order, reveal; and everything that can go wrong between."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from reference_channels.trade import intents
from reference_channels.trade.intents import LIFE
from tests.reference_channels.conftest import RunningShop, running_shop
from tests.reference_channels.scripted import Fault, ScriptedGateway


async def until(shop: RunningShop, intent: str, outcome: str, seconds: float = 8) -> dict[str, Any]:
    """Look until the buyer sees this outcome."""
    deadline = time.monotonic() + seconds
    while True:
        seen: dict[str, Any] = await shop.control("GET", f"/purchases/{intent}")
        if seen["outcome"] == outcome or time.monotonic() > deadline:
            assert seen["outcome"] == outcome, seen
            return seen
        await asyncio.sleep(0.05)


async def on_sale(gateway: ScriptedGateway, shop: RunningShop, **members: Any) -> dict[str, Any]:
    """An offer that the shop has on its shelf."""
    offer = gateway.add(**members)
    await shop.sync()
    return offer


async def test_a_purchase_holds_then_orders_then_reveals(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """SEL-006, SEL-011: in this order, for the held price, with the code byte for byte."""
    offer = await on_sale(gateway, shop)
    code = gateway.shelves[offer["id"]].codes[0]
    bought = await shop.buy(offer)
    assert bought["outcome"] == "fulfilled"
    assert bought["goods_shown"] == [code]
    assert bought["total"] == {"amount": 1499, "currency": "USD"}
    wanted = ("create_reservation", "create_order", "list_deliveries", "reveal_delivery")
    assert [c.operation for c in gateway.calls if c.operation in wanted] == list(wanted)
    order = gateway.made("create_order")[0].body
    assert order["payment"]["status"] == "collected"
    assert order["lines"][0]["reservation_id"] == next(iter(gateway.holds))


async def test_one_trace_goes_through_the_whole_purchase(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """TRC-007: the buyer's trace, in every call of the purchase."""
    offer = await on_sale(gateway, shop)
    gateway.calls.clear()
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    body = {"intent_id": "i", "offer_id": offer["id"], "quantity": 1, "buyer_reference": "ada"}
    await shop.control("POST", "/purchases", body, traceparent=f"00-{trace_id}-b7ad6b7169203331-01")
    await shop.control("GET", "/purchases/i")
    # The worker reads its feeds meanwhile; that is no part of the purchase.
    calls = [call for call in gateway.calls if call.operation not in ("list_offers", "list_events")]
    assert {call.headers["traceparent"][3:35] for call in calls} == {trace_id}


async def test_pressed_twice_is_one_purchase(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """SEL-009: at the same time and one after the other."""
    offer = await on_sale(gateway, shop)
    answers = await asyncio.gather(*(shop.buy(offer) for _ in range(5)))
    answers.append(await shop.buy(offer))
    assert len({each["order_id"] for each in answers}) == 1
    assert len({tuple(each["goods_shown"]) for each in answers}) == 1
    assert len(gateway.orders) == len(gateway.holds) == 1


async def test_two_purchases_show_different_goods(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """SEL-013."""
    offer = await on_sale(gateway, shop)
    first, second = await asyncio.gather(shop.buy(offer, "one"), shop.buy(offer, "two", quantity=2))
    assert not set(first["goods_shown"]) & set(second["goods_shown"])
    assert len(second["goods_shown"]) == 2
    assert second["total"]["amount"] == 2998


async def test_sold_out_meanwhile_takes_no_money(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """SEL-007: the shelf still shows it, the gateway has none."""
    offer = await on_sale(gateway, shop, codes=1)
    gateway.shelves[offer["id"]].codes.clear()
    seen = await shop.buy(offer)
    assert (seen["outcome"], seen["reason"], seen.get("total")) == ("refused", "out_of_stock", None)
    intent = await shop.parts.purchases.find("intent-1")
    assert intent is not None
    assert intent.payment == "none"
    assert not gateway.made("create_order")


@pytest.mark.parametrize(
    ("members", "asked", "reason"),
    [
        ({"codes": 0}, {}, "out_of_stock"),
        ({"restrictions": {"regions": ["DE"]}}, {"region": "FR"}, "region_not_allowed"),
        ({"restrictions": {"regions": ["DE"]}}, {}, "region_not_allowed"),
        ({"restrictions": {"max_per_order": 2}}, {"quantity": 3}, "quantity_not_allowed"),
        (
            {"restrictions": {"purchase_limit": {"quantity": 2}}},
            {"quantity": 3},
            "purchase_limit_reached",
        ),
        (
            {"restrictions": {"purchase_limit": {"quantity": 2, "tiers": {"gold": 4, "trial": 0}}}},
            {"quantity": 5},
            "purchase_limit_reached",
        ),
        ({"restrictions": {"channel_limit": {"quantity": 0}}}, {}, "channel_limit_reached"),
        ({"buyer_input": {"type": "object", "required": ["player"]}}, {}, "buyer_input_invalid"),
        ({"buyer_input": {"type": "nonsense"}}, {}, "buyer_input_invalid"),
        ({"status": "withdrawn"}, {}, "offer_withdrawn"),
        ({"status": "from_the_future"}, {}, "offer_withdrawn"),
    ],
)
async def test_what_may_not_be_sold_is_not_asked_for(
    gateway: ScriptedGateway, shop: RunningShop, members: dict[str, Any], asked: dict[str, Any], reason: str
) -> None:
    """SEL-001, SEL-003, SEL-012, SEL-014: refused before the gateway is called."""
    offer = await on_sale(gateway, shop, **members)
    seen = await shop.buy(offer, **asked)
    assert (seen["outcome"], seen["reason"]) == ("refused", reason)
    assert not gateway.made("create_reservation")


async def test_what_a_tier_may_have_is_asked_for(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """SEL-001: whose tier it is knows the gateway, so what some buyer may have is not refused here."""
    limit = {"purchase_limit": {"quantity": 2, "tiers": {"gold": 4}}}
    offer = await on_sale(gateway, shop, codes=9, restrictions=limit)
    assert (await shop.buy(offer, quantity=3))["outcome"] == "fulfilled"


async def test_what_is_asked_of_the_buyer_goes_along(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """Region and buyer input reach the order."""
    schema = {"type": "object", "required": ["player"], "properties": {"player": {"type": "string"}}}
    offer = await on_sale(gateway, shop, buyer_input=schema, restrictions={"regions": ["DE"]})
    seen = await shop.buy(offer, region="DE", buyer_input={"player": "ada#1"})
    assert seen["outcome"] == "fulfilled"
    order = gateway.made("create_order")[0].body
    assert order["buyer"] == {"reference": "ada", "region": "DE"}
    assert order["lines"][0]["buyer_input"] == {"player": "ada#1"}


async def test_the_held_price_is_charged_when_the_price_rises(
    gateway: ScriptedGateway, shop: RunningShop
) -> None:
    """SEL-016: what was held is paid, no more."""
    offer = await on_sale(gateway, shop)
    held = await shop.buy(offer, pay=False)
    assert held == {"intent_id": "intent-1", "outcome": "pending", "goods_shown": []}
    gateway.change(offer["id"], price={"amount": 9999, "currency": "USD"})
    await shop.sync()
    bought = await shop.buy(offer)
    assert bought["total"]["amount"] == 1499
    assert gateway.made("create_order")[0].body["lines"][0]["unit_price"]["amount"] == 1499


async def test_a_lost_answer_to_the_order_is_found_out(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """SEL-010: the order was made, the answer was lost; one order, one key, and the goods are there."""
    offer = await on_sale(gateway, shop)
    gateway.faults = [Fault("create_order", drop="after")]
    bought = await shop.buy(offer)
    assert bought["outcome"] == "fulfilled"
    assert len(gateway.orders) == 1
    assert len({call.headers["Idempotency-Key"] for call in gateway.made("create_order")}) == 1


@pytest.mark.parametrize("drop", ["before", "after"])
async def test_an_unknown_outcome_is_finished_in_the_background(
    gateway: ScriptedGateway, shop: RunningShop, drop: str
) -> None:
    """No answer for longer than the buyer waits: pending, then fulfilled; never a second order or key."""
    offer = await on_sale(gateway, shop)
    gateway.faults = [Fault("create_order", count=4, drop=drop)]
    pending = await shop.buy(offer)
    assert pending["outcome"] == "pending"
    assert pending["total"]["amount"] == 1499
    seen = await until(shop, "intent-1", "fulfilled")
    assert len(seen["goods_shown"]) == 1
    assert len(gateway.orders) == 1
    assert len({call.headers["Idempotency-Key"] for call in gateway.made("create_order")}) == 1
    assert gateway.made("list_orders"), "looked for the order before sending it again"


async def test_a_long_retry_after_is_kept(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """LIM-003: pressing again does not call before the time; the sandbox's clock brings it about."""
    offer = await on_sale(gateway, shop)
    gateway.faults = [Fault("create_order", status=503, retry_after="60")]
    assert (await shop.buy(offer))["outcome"] == "pending"
    assert (await shop.buy(offer))["outcome"] == "pending"
    await asyncio.sleep(0.3)
    assert len(gateway.made("create_order")) == 1
    await shop.control("POST", "/clock", {"advance_seconds": 61})
    assert (await shop.control("GET", "/purchases/intent-1"))["outcome"] == "fulfilled"


async def test_a_hold_that_cannot_be_had_now_can_be_pressed_again(
    gateway: ScriptedGateway, shop: RunningShop
) -> None:
    """The gateway is busy: nothing is charged, the same intent goes on with the same key."""
    offer = await on_sale(gateway, shop)
    gateway.faults = [Fault("create_reservation", count=4, status=503)]
    assert (await shop.buy(offer))["outcome"] == "pending"
    await asyncio.sleep(1.1)
    assert (await shop.buy(offer))["outcome"] == "fulfilled"
    assert len({call.headers["Idempotency-Key"] for call in gateway.made("create_reservation")}) == 1


async def test_an_order_that_is_refused_gives_everything_back(
    gateway: ScriptedGateway, shop: RunningShop
) -> None:
    """The money to the buyer, the hold to the gateway (SEL-015), and the reason to the page."""
    offer = await on_sale(gateway, shop)
    gateway.faults = [Fault("create_order", status=403, code="region_not_allowed", retryable=False)]
    seen = await shop.buy(offer)
    assert (seen["outcome"], seen["reason"]) == ("refused", "region_not_allowed")
    intent = await shop.parts.purchases.find("intent-1")
    assert intent is not None
    assert intent.payment == "refunded"
    await settled(shop, "closed")
    assert [hold["status"] for hold in gateway.holds.values()] == ["released"]


async def settled(shop: RunningShop, state: str) -> None:
    """Wait until the intent is in this state."""
    for _ in range(100):
        intent = await shop.parts.purchases.find("intent-1")
        if intent is not None and intent.state == state:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"still {intent}")


async def test_a_hold_that_is_not_paid_is_given_back(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """SEL-015: when the time to pay is over by the shop's clock; paying then comes too late."""
    offer = await on_sale(gateway, shop)
    await shop.buy(offer, pay=False)
    await shop.control("POST", "/clock", {"advance_seconds": 600})
    assert [hold["status"] for hold in gateway.holds.values()] == ["released"]
    seen = await shop.buy(offer)
    assert (seen["outcome"], seen["reason"]) == ("refused", "hold_expired")
    assert not gateway.made("create_order")


async def test_a_hold_whose_answer_was_lost_is_found_and_given_back(
    gateway: ScriptedGateway, shop: RunningShop
) -> None:
    """The buyer left before it was known: found by reference, released."""
    offer = await on_sale(gateway, shop)
    gateway.faults = [Fault("create_reservation", count=4, drop="after")]
    assert (await shop.buy(offer))["outcome"] == "pending"
    assert [hold["status"] for hold in gateway.holds.values()] == ["active"]
    await shop.control("POST", "/clock", {"advance_seconds": 901})
    assert [hold["status"] for hold in gateway.holds.values()] == ["released"]
    assert (await shop.control("GET", "/purchases/intent-1"))["reason"] == "abandoned"


async def test_an_order_on_its_way_is_watched(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """A gateway that fulfils later: pending until it says so, without goods; an unknown status is no error."""
    offer = await on_sale(gateway, shop)
    gateway.order_status = "being_wrapped"
    pending = await shop.buy(offer)
    assert (pending["outcome"], pending["goods_shown"]) == ("pending", [])
    order = next(iter(gateway.orders.values()))
    order |= {"status": "fulfilled", "revision": 4}
    assert len((await until(shop, "intent-1", "fulfilled"))["goods_shown"]) == 1


async def test_an_order_that_fails_later_is_refunded(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """The gateway could not fulfil: the buyer is told and paid back."""
    offer = await on_sale(gateway, shop)
    gateway.order_status = "fulfilling"
    await shop.buy(offer)
    next(iter(gateway.orders.values())).update(status="fulfilment_failed", revision=4)
    seen = await until(shop, "intent-1", "failed")
    assert seen["reason"] == "order_fulfilment_failed"
    intent = await shop.parts.purchases.find("intent-1")
    assert intent is not None
    assert intent.payment == "refunded"


async def test_nobody_asks_for_ever(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """After six days the key is about to be forgotten: a person must look (LIM-004, IDM-007)."""
    offer = await on_sale(gateway, shop)
    gateway.faults = [Fault("create_order", count=99, status=503), Fault("list_orders", count=99, status=503)]
    await shop.buy(offer)
    await shop.control("POST", "/clock", {"advance_seconds": 6 * 86400 + 60})
    seen = await shop.control("GET", "/purchases/intent-1")
    assert (seen["outcome"], seen["reason"]) == ("failed", "unresolved")


async def test_a_restart_goes_on_where_it_stood(gateway: ScriptedGateway, tmp_path: Path) -> None:
    """Paid, no answer, stopped: the next process finds out and finishes, with the same key."""
    async with running_shop(tmp_path, gateway.url) as shop:
        offer = await on_sale(gateway, shop)
        gateway.faults = [Fault("create_order", count=4, drop="after")]
        assert (await shop.buy(offer))["outcome"] == "pending"
    gateway.faults = []
    async with running_shop(tmp_path, gateway.url) as shop:
        assert (await until(shop, "intent-1", "fulfilled"))["goods_shown"]
    assert len(gateway.orders) == 1
    assert len({call.headers["Idempotency-Key"] for call in gateway.made("create_order")}) == 1


async def test_no_code_is_kept(gateway: ScriptedGateway, shop: RunningShop, tmp_path: Path) -> None:
    """DLV-013: neither the log nor the database's files have the goods after they were shown."""
    offer = await on_sale(gateway, shop)
    (code,) = (await shop.buy(offer))["goods_shown"]
    lines = (await shop.control("GET", "/log"))["lines"]
    assert lines
    assert not [line for line in lines if code in line]
    assert not [path.name for path in tmp_path.iterdir() if code.encode() in path.read_bytes()]


@pytest.mark.parametrize("kind", ["licence", "download", "hologram"])
async def test_other_goods_are_shown(gateway: ScriptedGateway, shop: RunningShop, kind: str) -> None:
    """Licences and links as they are; a kind that is not known shows nothing and breaks nothing."""
    offer = await on_sale(gateway, shop, delivery_kind="download" if kind == "hologram" else kind)
    if kind == "hologram":
        gateway.reveal_delivery = lambda call, delivery_id: {  # type: ignore[method-assign]
            "delivery": {}, "goods": {"kind": "hologram", "hologram": {"beam": 1}},
        }  # fmt: skip
    seen = await shop.buy(offer)
    assert seen["outcome"] == "fulfilled"
    assert len(seen["goods_shown"]) == (0 if kind == "hologram" else 1)


async def test_a_voided_delivery_is_not_shown(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """The others of the order still are."""
    offer = await on_sale(gateway, shop)
    await shop.buy(offer, quantity=2)
    next(iter(gateway.deliveries.values()))["delivery"]["status"] = "voided"
    assert len((await shop.control("GET", "/purchases/intent-1"))["goods_shown"]) == 1


async def test_a_risen_price_is_not_paid_unseen(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """SEL-002: the price rose before the hold; the buyer of test control leaves, and the hold is given back."""
    offer = await on_sale(gateway, shop)
    gateway.change(offer["id"], price={"amount": 9999, "currency": "USD"})
    seen = await shop.buy(offer)
    assert (seen["outcome"], seen["reason"]) == ("refused", "price_mismatch")
    assert [hold["status"] for hold in gateway.holds.values()] == ["released"]


async def test_a_hold_that_is_gone_at_the_gateway_is_refunded(
    gateway: ScriptedGateway, shop: RunningShop
) -> None:
    """The gateway let go of it without the shop knowing: paid, refused, paid back."""
    offer = await on_sale(gateway, shop)
    await shop.buy(offer, pay=False)
    next(iter(gateway.holds.values()))["status"] = "expired"
    seen = await shop.buy(offer)
    assert (seen["outcome"], seen["reason"]) == ("refused", "reservation_not_active")
    intent = await shop.parts.purchases.find("intent-1")
    assert intent is not None
    assert (intent.payment, intent.state) == ("refunded", "closed")


async def test_an_order_with_this_reference_is_ours(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """The gateway forgot the key but has the order: it is found, not made anew, not refunded."""
    offer = await on_sale(gateway, shop)
    gateway.faults = [Fault("create_order", count=4, drop="after")]
    assert (await shop.buy(offer))["outcome"] == "pending"
    gateway.replays.clear()
    assert (await until(shop, "intent-1", "fulfilled"))["goods_shown"]
    assert len(gateway.orders) == 1


async def test_a_hold_that_cannot_be_given_back_now_is_later(
    gateway: ScriptedGateway, shop: RunningShop
) -> None:
    """SEL-015 holds also when the gateway is away at that moment; a hold it does not know is gone already."""
    offer = await on_sale(gateway, shop)
    await shop.buy(offer, pay=False)
    gateway.faults = [Fault("release_reservation", count=4, status=503)]
    await shop.parts.purchases.cancel("intent-1", "cancelled")
    assert [hold["status"] for hold in gateway.holds.values()] == ["active"]
    await settled(shop, "closed")
    assert [hold["status"] for hold in gateway.holds.values()] == ["released"]
    await shop.buy(offer, "intent-2", pay=False)
    gateway.faults = [Fault("release_reservation", status=404, code="not_found", retryable=False)]
    left = await shop.parts.purchases.cancel("intent-2", "cancelled")
    assert left.state == "closed"


async def test_nobody_can_cancel_what_is_paid(gateway: ScriptedGateway, shop: RunningShop) -> None:
    """Cancelling too late changes nothing; an intent that nobody opened is an error of the caller."""
    offer = await on_sale(gateway, shop)
    await shop.buy(offer)
    assert (await shop.parts.purchases.cancel("intent-1", "cancelled")).state == "fulfilled"
    with pytest.raises(KeyError):
        await shop.parts.purchases.advance("nobody")


def test_the_life_of_an_intent_has_no_dead_end() -> None:
    """Every state can be reached, and every state but the last ones has a way on."""
    ends = {"fulfilled", "closed"}
    states = {state for state, _ in LIFE} | set(LIFE.values())
    assert {state for state, _ in LIFE} == states - ends
    reached = {"opened"}
    for _ in states:
        reached |= {to for (state, _), to in LIFE.items() if state in reached}
    assert reached == states


def test_a_wrong_step_is_refused() -> None:
    """Who comes second learns so, and changes nothing."""
    db = sqlite3.connect(":memory:")
    db.row_factory = sqlite3.Row
    db.executescript(intents.SCHEMA)
    texts: dict[str, Any] = dict.fromkeys(
        ("id", "reference", "hold_key", "order_key", "trace_id", "buyer", "offer_id"), "x"
    )
    intent = intents.Intent(
        **texts, offer="{}", quantity=1, buyer_input="{}", seen_amount=1, currency="USD", created_at=0
    )
    intents.insert(db, intent)
    with pytest.raises(intents.WrongStateError):
        intents.step(db, intent, "fulfil")
    assert intents.find(db, "x") == intent
    db.close()
