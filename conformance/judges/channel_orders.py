"""Orders and goods at a channel: before the money, once, and byte for byte (spec/text/selling.md, delivery.md)."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.judges.channel_reading import (
    asked,
    bought,
    goods,
    keys,
    lines,
    orders,
    outcome,
    seen,
)
from conformance.model import Outcome, Verdict, check, failed, holds, unverified
from conformance.transcript import Exchange, Transcript


@check(
    "SEL-006",
    role="channel",
    scenarios=("buy", "two_buyers"),
    title="Stock is held before money is taken",
)
def holds_first(t: Transcript) -> Iterator[Outcome]:
    """Every order with its payment collected names an active hold for every line."""
    bought(t, "buy", "bought")
    for exchange in orders(t, "buy") + orders(t, "two_buyers"):
        direct = [line for line in lines(exchange) if not line.get("reservation_id")]
        paid = _collected(exchange)
        good = not (paid and direct)
        yield holds(good, "held first", "ordered with the money taken and nothing held", exchange)


def _collected(order: Exchange) -> bool:
    payment = order.asked.get("payment")
    return isinstance(payment, dict) and payment.get("status") == "collected"


@check(
    "SEL-008",
    role="channel",
    scenarios=("unpaid",),
    title="No goods are shown before the order is paid",
)
def nothing_before_paid(t: Transcript) -> Iterator[Outcome]:
    """Before paying nothing is revealed or shown; after paying the goods are."""
    twin = bought(t, "unpaid", "paid")
    for label in ("not paid", "still not paid"):
        view = seen(t, "unpaid", label)
        yield holds(not goods(view), "nothing shown", "goods shown before paying", view, twin)


@check(
    "SEL-009",
    role="channel",
    scenarios=("double_press",),
    title="One buyer intent makes one order, however often the button is pressed",
)
def one_order(t: Transcript) -> Iterator[Outcome]:
    """Two presses at once and a third later: one order, one reference."""
    end = bought(t, "double_press", "bought")
    made = orders(t, "double_press")
    references = {e.asked.get("reference") for e in made}
    ids = {e.answer.get("id") for e in made}
    sold = t.fact("double_press", "stock")["sold"]
    good = len(references) == 1 and len(ids) == 1 and sold == 1
    yield holds(good, "one order", f"{len(ids)} orders and {sold} units for one intent", end, *made)


@check(
    "SEL-010",
    role="channel",
    scenarios=("lost_answer",),
    title="After a lost answer the order is found, not made anew",
)
def finds_lost_order(t: Transcript) -> Iterator[Outcome]:
    """The answer was dropped: same key and reference from then on, one unit sold, and the buyer gets it."""
    tries = asked(t, "lost_answer", "create_order")
    if not any(e.response is None for e in tries):
        yield unverified("no order was asked for, so no answer was lost", *tries)
        return
    references = {e.asked.get("reference") for e in tries}
    if len(keys(tries)) > 1 or len(references) > 1:
        yield failed("ordered anew under another key or reference", *tries)
        return
    end, sold = seen(t, "lost_answer", "bought"), t.fact("lost_answer", "stock")["sold"]
    good = outcome(end) == "fulfilled" and sold == 1
    yield holds(good, "the order was found", f"ended as {outcome(end)} with {sold} sold", end, *tries)


@check(
    "SEL-011",
    role="channel",
    scenarios=("odd_goods",),
    title="Goods are shown byte for byte",
)
def byte_for_byte(t: Transcript) -> Iterator[Outcome]:
    """A code with odd characters is shown as it is."""
    end, codes = seen(t, "odd_goods", "bought"), t.fact("odd_goods", "offer codes")
    if outcome(end) != "fulfilled":
        yield unverified(f"the purchase ended as {outcome(end)}", end)
        return
    yield holds(goods(end) == codes, "shown as they are", "the goods shown are not the goods given", end)


@check(
    "SEL-013",
    role="channel",
    scenarios=("two_buyers",),
    title="The goods of one purchase are not shown in another",
)
def goods_apart(t: Transcript) -> Iterator[Outcome]:
    """Two buyers of one offer see one code each, and not the same."""
    one, two = bought(t, "two_buyers", "first"), bought(t, "two_buyers", "second")
    shared = set(goods(one)) & set(goods(two))
    yield holds(not shared, "each sees only their own", "one buyer sees the other's goods", one, two)


@check(
    "SEL-013",
    suffix="b",
    role="channel",
    scenarios=("crowd",),
    title="Buyers who come at once see their own goods only",
)
def goods_apart_at_once(t: Transcript) -> Iterator[Outcome]:
    """Those of the crowd who got one see one code each, all different."""
    ends = t.all("crowd", where=lambda e: bool(e.label.startswith("buyer ") and ":" not in e.label))
    won = [e for e in ends if outcome(e) == "fulfilled" and e.answer.get("order_id")]
    if len(won) < 2:
        yield unverified(f"{len(won)} of {len(ends)} buyers got one", *ends)
        return
    found = [tuple(goods(e)) for e in won]
    apart = len(set(found)) == len(found) and all(len(each) == 1 for each in found)
    yield holds(apart, "one code each, all different", "buyers see the same goods, or none", *won)


@check(
    "SEL-014",
    role="channel",
    scenarios=("buyer_input",),
    title="The buyer input that the offer requires is asked for and sent",
)
def sends_buyer_input(t: Transcript) -> Iterator[Outcome]:
    """Without the input nothing is sold; with it the order line carries it."""
    without, with_it = seen(t, "buyer_input", "without"), seen(t, "buyer_input", "with")
    yield holds(outcome(without) == "refused", "refused without", f"{outcome(without)} without it", without)
    sent = asked(t, "buyer_input", "create_order")
    if not sent:
        yield unverified("nothing was ordered with the input", with_it)
        return
    good = all(line.get("buyer_input") == {"account": "player-one"} for e in sent for line in lines(e))
    yield holds(good, "sent with the order", "the order lacks the buyer input", with_it, *sent)


@check(
    "SEL-015",
    role="channel",
    scenarios=("refused_order",),
    title="A hold that will not be used is released",
)
def releases_holds(t: Transcript) -> Iterator[Outcome]:
    """The order was refused for good: the hold is given back."""
    held = [e for e in asked(t, "refused_order", "create_reservation") if e.status == 201]
    refused = [e for e in asked(t, "refused_order", "create_order") if e.problem == "offer_withdrawn"]
    if not refused:
        yield unverified("no order was asked for")
    elif not held:
        yield Outcome(Verdict.NOT_APPLICABLE, "this channel holds nothing before it orders")
    else:
        released = [e for e in asked(t, "refused_order", "release_reservation") if e.status == 200]
        yield holds(bool(released), "released", "the hold is left to expire", *held, *refused, *released)


@check(
    "DLV-013",
    role="channel",
    scenarios=("log", "buy", "odd_goods"),
    title="No goods are in the log or in a URL",
)
def not_in_the_log(t: Transcript) -> Iterator[Outcome]:
    """Goods were shown to buyers; none of them is in the log, nor in a URL that the channel asked for."""
    bought(t, "buy", "bought")
    shown = {code for e in t.all(operation="channel:test_get_purchase") for code in goods(e)}
    known = {code for (_, key), codes in t.facts.items() if key.endswith(" codes") for code in codes}
    log = t.one("log", "log")
    said = [str(line) for line in log.answer.get("lines") or []]
    leaked = [line for line in said if any(code.strip() in line for code in shown & known)]
    yield holds(not leaked, f"{len(said)} lines without goods", "goods are in the log", log)
    urls = [e for e in t.all(direction="received") if any(code.strip() in e.request.url for code in known)]
    if urls:
        yield failed("goods are in a URL", *urls)
