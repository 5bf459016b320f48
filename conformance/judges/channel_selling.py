"""What a channel does towards its buyers (spec/text/selling.md, delivery.md)."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.judges.channel_reading import (
    asked,
    bought,
    buyable,
    charged,
    goods,
    item,
    items,
    keys,
    lines,
    orders,
    outcome,
    price,
    seen,
    shelf,
)
from conformance.model import Outcome, Verdict, check, failed, holds, passed, unverified
from conformance.transcript import Exchange, Transcript

TWIN = "buy"  # the scenario of a purchase that goes well


@check(
    "SEL-001",
    role="channel",
    scenarios=("buy", "sold_out_shelf", "unknown_values", "tombstone"),
    title="Only what is offered is on sale",
    hint="Fill the shelf from the offer feed alone.",
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
    hint="Show and charge the offer's price times the quantity; add nothing.",
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
    hint="Compare the hold's unit_price with the price that the buyer saw; ask the buyer again when it is higher.",
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
    hint="Send the buyer's own region with hold and order, and refuse buyers outside restrictions.regions.",
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
    hint="Take the offer off the shelf, and refuse purchases of it, as soon as the event is taken.",
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
    hint="Replace the offer by the snapshot in the event.",
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
    "SEL-006",
    role="channel",
    scenarios=("buy", "two_buyers"),
    title="Stock is held before money is taken",
    hint="Create a reservation, or an order with payment pending, before you take the buyer's money.",
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
    "SEL-007",
    role="channel",
    scenarios=("sold_out", "buy"),
    title="The buyer of what is sold out is told so and pays nothing",
    hint="On out_of_stock end the purchase as refused, and charge nothing.",
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
    "SEL-008",
    role="channel",
    scenarios=("unpaid",),
    title="No goods are shown before the order is paid",
    hint="Reveal deliveries only after the buyer has paid.",
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
    hint="Store the intent with its keys before anything is sent; serve one press of an intent at a time.",
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
    hint="Send the same request with the same key again, or look for the reference with list_orders.",
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
    hint="Treat codes as opaque: no trimming, no case folding, no escaping.",
)
def byte_for_byte(t: Transcript) -> Iterator[Outcome]:
    """A code with odd characters is shown as it is."""
    end, codes = seen(t, "odd_goods", "bought"), t.fact("odd_goods", "offer codes")
    if outcome(end) != "fulfilled":
        yield unverified(f"the purchase ended as {outcome(end)}", end)
        return
    yield holds(goods(end) == codes, "shown as they are", "the goods shown are not the goods given", end)


@check(
    "SEL-012",
    role="channel",
    scenarios=("sold_out_shelf",),
    title="What is sold out is not shown as buyable",
    hint="Set buyable from availability.status.",
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
    "SEL-014",
    role="channel",
    scenarios=("buyer_input",),
    title="The buyer input that the offer requires is asked for and sent",
    hint="Put the buyer's answers into buyer_input of the order line.",
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
    hint="When the purchase ends without an order, call release_reservation.",
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
    "SEL-016",
    role="channel",
    scenarios=("price_after_hold",),
    title="The buyer pays the price of the hold when the price rises after it",
    hint="Order, and charge, at the hold's unit_price.",
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
    "DLV-013",
    role="channel",
    scenarios=("log", "buy", "odd_goods"),
    title="No goods are in the log or in a URL",
    hint="Keep goods out of log lines, exceptions and URLs.",
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
