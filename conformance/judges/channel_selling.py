"""What a channel offers and charges, and whom it tells what (spec/text/selling.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from conformance.judges.channel_reading import (
    asked,
    bought,
    buyable,
    charged,
    goods,
    item,
    items,
    orders,
    outcome,
    price,
    seen,
    shelf,
)
from conformance.model import Outcome, check, failed, holds, passed, unverified
from conformance.transcript import Exchange, Transcript

TWIN = "buy"  # the scenario of a purchase that goes well


@check(
    "SEL-001",
    role="channel",
    scenarios=("buy", "sold_out_shelf", "unknown_values", "tombstone"),
    title="Only what is offered is on sale",
)
def only_offered(t: Transcript) -> Iterator[Outcome]:
    """Every item on the first shelves is an offer that the gateway made."""
    offered = {value for value in t.facts.values() if isinstance(value, str)}
    own = shelf(t, "buy", "shelf")
    if item(own, t.fact("buy", "offer")) is None:
        yield unverified("the offer is not on the shelf at all", own)
    for exchange in t.all(operation="channel:test_list_shelf", where=lambda e: e.status == 200):
        strange = [i for i in items(exchange) if i.get("offer_id") not in offered]
        if strange:
            yield failed(f"on sale but not offered: {strange[0].get('offer_id')}", exchange)
    yield passed("everything on sale was offered", own)


@check(
    "SEL-002",
    role="channel",
    scenarios=("buy",),
    title="The buyer is charged the offered price",
)
def offered_price(t: Transcript) -> Iterator[Outcome]:
    """The shelf shows the price, and two of them cost twice as much."""
    offer, amount = t.fact("buy", "offer"), t.fact("buy", "offer price")["amount"]
    before, end = shelf(t, "buy", "shelf"), bought(t, "buy", "bought")
    shown = price(before, offer)
    yield holds(
        shown == amount, "the shelf shows the price", f"offered at {amount}, shown at {shown}", before
    )
    paid, due = charged(end), 2 * amount
    yield holds(paid == due, "the total is right", f"charged {paid}, due {due}", end)


@check(
    "SEL-002",
    suffix="b",
    role="channel",
    scenarios=("price_before_hold",),
    title="No more is charged than was shown when the price has risen meanwhile",
)
def price_shown(t: Transcript) -> Iterator[Outcome]:
    """The price rose unseen: the purchase ends without a sale, or at the price shown."""
    amount = t.fact("price_before_hold", "offer price")["amount"]
    end = seen(t, "price_before_hold", "bought")
    bought(t, TWIN, "bought")
    paid = charged(end) or 0
    if paid > amount:
        yield failed(f"shown {amount}, charged {paid}", end)
    elif outcome(end) == "fulfilled" and not paid:
        yield unverified("sold, but the purchase does not say for how much", end)
    else:
        yield passed(f"the purchase ended as {outcome(end)}, at no more than was shown", end)


@check(
    "SEL-003",
    role="channel",
    scenarios=("region",),
    title="Nothing is sold to a region where the offer may not be sold",
)
def region(t: Transcript) -> Iterator[Outcome]:
    """The buyer elsewhere gets nothing, the one at home does."""
    twin = bought(t, "region", "at home")
    end = seen(t, "region", "elsewhere")
    good = outcome(end) in ("refused", "failed") and not goods(end)
    yield holds(good, "not sold elsewhere", f"sold elsewhere: {outcome(end)}", end, twin)


@check(
    "SEL-004",
    role="channel",
    scenarios=("withdrawn",),
    title="Selling stops on offer.withdrawn",
)
def stops_on_withdrawn(t: Transcript) -> Iterator[Outcome]:
    """The offer was on sale, the event was taken, and it is on sale no more."""
    offer = t.fact("withdrawn", "offer")
    before, event = shelf(t, "withdrawn", "before"), t.one("withdrawn", "withdrawn")
    if item(before, offer) is None or not 200 <= event.status < 300:
        yield unverified("the offer was not on sale, or the event not taken", before, event)
        return
    after, end = shelf(t, "withdrawn", "after"), seen(t, "withdrawn", "bought")
    left = item(after, offer)
    yield holds(not buyable(left), "off sale", "still on sale after the event", event, after)
    yield holds(outcome(end) == "refused", "not sold", f"the purchase ended as {outcome(end)}", end)
    tried = asked(t, "withdrawn", "create_reservation") + asked(t, "withdrawn", "create_order")
    if tried:
        yield failed("the channel tried to hold or order a withdrawn offer", *tried)


@check(
    "SEL-005",
    role="channel",
    scenarios=("updated",),
    title="The new price is shown after offer.updated",
)
def shows_new_price(t: Transcript) -> Iterator[Outcome]:
    """The shelf shows the price that the event brought."""
    event, after = t.one("updated", "updated"), shelf(t, "updated", "after")
    if not 200 <= event.status < 300:
        yield unverified("the event was not taken", event)
        return
    shown = price(after, t.fact("updated", "offer"))
    yield holds(shown == 777, "the new price is shown", f"the shelf shows {shown}, not 777", event, after)


@check(
    "SEL-007",
    role="channel",
    scenarios=("sold_out", "buy"),
    title="The buyer of what is sold out is told so and pays nothing",
)
def tells_sold_out(t: Transcript) -> Iterator[Outcome]:
    """The gateway said out_of_stock: refused, nothing charged."""
    twin, end = bought(t, TWIN, "bought"), seen(t, "sold_out", "bought")
    refusals = [e for e in asked(t, "sold_out") if e.problem == "out_of_stock"]
    if not refusals:
        yield unverified("the gateway was never asked, so it never said out_of_stock", end)
        return
    yield _told(end, twin, *refusals)


def _told(end: Exchange, *others: Exchange) -> Outcome:
    clean = outcome(end) == "refused" and not goods(end) and not charged(end)
    bad = f"the buyer was told {outcome(end)}, charged {end.answer.get('total')}"
    return holds(clean, "the buyer was told, and charged nothing", bad, end, *others)


@check(
    "SEL-007",
    suffix="b",
    role="channel",
    scenarios=("last_unit",),
    title="Of two buyers racing for the last unit one gets it and the other is told",
)
def last_unit(t: Transcript) -> Iterator[Outcome]:
    """One fulfilled, one refused, one code."""
    ends = [seen(t, "last_unit", f"buyer {n}") for n in (1, 2)]
    won = [e for e in ends if outcome(e) == "fulfilled" and e.answer.get("order_id")]
    lost = [e for e in ends if e not in won]
    if len(won) != 1 or not any(e.problem == "out_of_stock" for e in asked(t, "last_unit")):
        yield unverified(f"{len(won)} of 2 buyers got the last unit", *ends)
        return
    yield _told(lost[0], won[0])


@check(
    "SEL-007",
    suffix="c",
    role="channel",
    scenarios=("crowd",),
    title="Of twelve buyers at once on three units three get one and the others are told",
)
def crowd(t: Transcript) -> Iterator[Outcome]:
    """Three units sold, to three buyers; all the others are refused and charged nothing."""
    ends = t.all("crowd", where=lambda e: re.fullmatch(r"buyer \d+", e.label) is not None)
    won = [e for e in ends if outcome(e) == "fulfilled" and e.answer.get("order_id")]
    sold = t.fact("crowd", "stock")["sold"]
    if sold != 3 or not any(e.problem == "out_of_stock" for e in asked(t, "crowd")):
        yield unverified(f"{sold} units were sold to {len(ends)} buyers", *ends)
        return
    yield holds(len(won) == 3, "three got one", f"{len(won)} buyers were told that they got one", *won)
    for end in ends:
        if end not in won:
            yield _told(end, won[0] if won else end)


@check(
    "SEL-012",
    role="channel",
    scenarios=("sold_out_shelf",),
    title="What is sold out is not shown as buyable",
)
def sold_out_on_shelf(t: Transcript) -> Iterator[Outcome]:
    """The one that sold out is not buyable, the other one is."""
    before, after = shelf(t, "sold_out_shelf", "before"), shelf(t, "sold_out_shelf", "after")
    gone, left = t.fact("sold_out_shelf", "gone"), t.fact("sold_out_shelf", "left")
    was, twin, now = item(before, gone), item(after, left), item(after, gone)
    if not (buyable(was) and buyable(twin)):
        yield unverified("what is in stock is not shown as buyable either", before, after)
        return
    yield holds(not buyable(now), "not buyable", "shown as buyable though sold out", before, after)


@check(
    "SEL-016",
    role="channel",
    scenarios=("price_after_hold",),
    title="The buyer pays the price of the hold when the price rises after it",
)
def price_of_hold(t: Transcript) -> Iterator[Outcome]:
    """The price rose between hold and order: the total is the old one."""
    if not t.fact("price_after_hold", "risen"):
        yield unverified("the channel asked for no hold")
        return
    amount = t.fact("price_after_hold", "offer price")["amount"]
    end = bought(t, "price_after_hold", "bought")
    paid = charged(end)
    yield holds(paid == amount, "the price of the hold", f"held at {amount}, charged {paid}", end)


@check(
    "INV-030",
    role="channel",
    scenarios=("same_buyer",),
    title="One buyer has one reference",
)
def one_reference(t: Transcript) -> Iterator[Outcome]:
    """The first two purchases name the same buyer, the third another one."""
    for label in ("first", "again", "other"):
        bought(t, "same_buyer", label)
    taken = orders(t, "same_buyer")
    buyers = [exchange.asked.get("buyer") for exchange in taken]
    found = [one.get("reference") if isinstance(one, dict) else None for one in buyers]
    if len(found) != 3 or None in found:
        yield unverified(f"{len(found)} orders, of the buyers {found}", *taken)
        return
    yield holds(
        found[0] == found[1], "the same reference", f"one buyer was {found[0]}, then {found[1]}", *taken
    )
    yield holds(
        found[2] not in found[:2], "another buyer has another", "two buyers have one reference", *taken
    )
