"""Judges of limits and fairness (inventory.md, orders.md)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.judges.gateway_evidence import dig, good, is_problem, moment, ok, refusal, said
from conformance.model import MissingError, Outcome, check, failed, holds, passed
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway")
LIMITS = ("purchase_limit_reached", "channel_limit_reached")


@gateway("INV-020", title="Safety stock is not held", scenarios=("safety_stock",))
def safety_held(t: Transcript) -> Iterator[Outcome]:
    """Four of five when two are kept back."""
    yield from refusal(t, "safety_stock", "hold into safety", "out_of_stock", "hold beside safety")


@gateway("INV-021", title="Safety stock alone shows as out of stock", scenarios=("safety_stock",))
def safety_shown(t: Transcript) -> Iterator[Outcome]:
    """The offer before and after all but the safety stock is held."""
    good(t, "safety_stock", "hold beside safety")
    for label, out in (("offer before", False), ("offer with safety left", True)):
        seen = good(t, "safety_stock", label)
        status = dig(seen.answer, "availability", "status")
        yield holds((status == "out_of_stock") == out, f"{label}: {status}", f"{label}: {status}", seen)


@gateway("INV-022", title="A buyer cannot hold above the purchase limit", scenarios=("purchase_limits",))
def held_by_one(t: Transcript) -> Iterator[Outcome]:
    """Two held, a third refused, another buyer served."""
    story = "purchase_limits"
    yield from refusal(t, story, "hold above limit", "purchase_limit_reached", "hold at limit")
    seen = t.one(story, "hold for another")
    yield holds(ok(seen), "another buyer is served", f"another buyer: {said(seen)}", seen)


@gateway("INV-023", title="A hold that has ended counts no more", scenarios=("purchase_limits",))
def released_counts_not(t: Transcript) -> Iterator[Outcome]:
    """Two held, one of them released, and one held again."""
    good(t, "purchase_limits", "release")
    seen = t.one("purchase_limits", "hold after release")
    yield holds(ok(seen), "held again", f"the hold after the release: {said(seen)}", seen)


@gateway("INV-024", title="A channel cannot hold above its limit", scenarios=("channel_limits",))
def held_by_channel(t: Transcript) -> Iterator[Outcome]:
    """Three held, a fourth refused, another channel served."""
    story = "channel_limits"
    yield from refusal(t, story, "hold above limit", "channel_limit_reached", "hold at limit")
    seen = t.one(story, "hold of another channel")
    yield holds(ok(seen), "another channel is served", f"another channel: {said(seen)}", seen)


@gateway("INV-025", title="A limit names its field", scenarios=("purchase_limits", "channel_limits"))
def field_named(t: Transcript) -> Iterator[Outcome]:
    """In every refusal for a limit."""
    refused = [
        seen
        for story in ("purchase_limits", "channel_limits")
        for seen in t.all(story, where=lambda e: is_problem(e, *LIMITS))
    ]
    if not refused:
        raise MissingError("nothing was refused for a limit")
    for seen in refused:
        wanted = "/quantity" if seen.operation == "create_reservation" else "/lines/0/quantity"
        found = [dig(error, "pointer") for error in seen.answer.get("errors") or []]
        yield holds(wanted in found, f"names {wanted}", f"names {found}, not {wanted}", seen)


@gateway("INV-026", title="One buyer cannot hold everything", scenarios=("fair_shares",))
def not_all_to_one(t: Transcript) -> Iterator[Outcome]:
    """Forty in fours: refused before the last, and somebody else is served."""
    tries = t.all("fair_shares", label="greedy hold")
    good(t, "fair_shares", "greedy hold")
    limited = is_problem(tries[-1], "hold_limit_reached")
    words = f"after {4 * (len(tries) - 1)} units: {said(tries[-1])}"
    yield holds(limited, words, words, tries[-1])
    seen = t.one("fair_shares", "somebody else")
    yield holds(ok(seen), "somebody else is served", f"somebody else: {said(seen)}", seen)


@gateway("INV-027", title="Holds are shorter when most is held", scenarios=("fair_shares",))
def shorter(t: Transcript) -> Iterator[Outcome]:
    """The first of twenty and the last, both for an hour."""
    calm, pressed = good(t, "fair_shares", "calm"), good(t, "fair_shares", "pressed")
    lives = [_life(calm), _life(pressed)]
    words = f"{lives[0]:.0f} s at first, {lives[1]:.0f} s at last"
    yield holds(lives[1] < lives[0], words, words, calm, pressed)


def _life(seen: Exchange) -> float:
    made, ends = moment(seen.answer.get("created_at")), moment(seen.answer.get("expires_at"))
    if made is None or ends is None:
        raise MissingError("a hold without times")
    return ends - made


@gateway("INV-028", title="Who never buys must wait", scenarios=("idle_holds",))
def idler_waits(t: Transcript) -> Iterator[Outcome]:
    """Eight holds of one buyer, each let expire; another buyer is served."""
    good(t, "idle_holds", "idle hold")
    tries = t.all("idle_holds", label="idle hold")
    seen = t.one("idle_holds", "hold of another")
    if not ok(seen):
        raise MissingError(f"another buyer was answered by {said(seen)}")
    refused = [one for one in tries if is_problem(one, "hold_limit_reached") and one.header("Retry-After")]
    if refused:
        yield passed(f"refused after {tries.index(refused[0])} idle holds", refused[0], seen)
    else:
        yield failed(f"{len(tries)} holds, the last: {said(tries[-1])}", *tries)


@gateway("INV-029", title="A channel of idle holds cannot hold everything", scenarios=("idle_holds",))
def crowd_limited(t: Transcript) -> Iterator[Outcome]:
    """Forty held and expired twice; the third time some must be left, and be sold."""
    good(t, "idle_holds", "crowd 0")
    crowd = t.all("idle_holds", label="crowd 2")
    beside = t.one("idle_holds", "order beside crowd 2")
    limited = any(is_problem(one, "hold_limit_reached") for one in crowd)
    words = f"{sum(map(ok, crowd))} of {len(crowd)} holds"
    yield holds(limited and ok(beside), words, f"{words}; an order beside them: {said(beside)}", beside)


orders = partial(gateway, capability="orders")


@orders("ORD-040", title="No order above the purchase limit", scenarios=("purchase_limits",))
def order_limited(t: Transcript) -> Iterator[Outcome]:
    """Three at once, beside two."""
    yield from refusal(t, "purchase_limits", "too many at once", LIMITS[0], "as many as allowed")


@orders("ORD-041", title="What was bought counts, until it is refunded", scenarios=("purchase_limits",))
def bought_counts(t: Transcript) -> Iterator[Outcome]:
    """Two bought, one more refused; one refunded, one more sold."""
    yield from refusal(t, "purchase_limits", "order of one more", LIMITS[0], "order at limit")
    good(t, "purchase_limits", "refund")
    seen = t.one("purchase_limits", "order after refund")
    yield holds(ok(seen), "sold after the refund", f"the order after the refund: {said(seen)}", seen)


@orders("ORD-042", title="No order above the channel's limit", scenarios=("channel_limits",))
def channel_limited(t: Transcript) -> Iterator[Outcome]:
    """Three ordered, a fourth refused, another channel served."""
    yield from refusal(t, "channel_limits", "order above limit", LIMITS[1], "order at limit")
    seen = t.one("channel_limits", "order of another channel")
    yield holds(ok(seen), "another channel is served", f"another channel: {said(seen)}", seen)


@orders("ORD-043", title="A cancelled order counts no more", scenarios=("purchase_limits",))
def cancelled_counts_not(t: Transcript) -> Iterator[Outcome]:
    """Two pending, cancelled, and two ordered."""
    good(t, "purchase_limits", "cancel")
    seen = t.one("purchase_limits", "order after cancel")
    yield holds(ok(seen), "sold after the cancellation", f"the order after it: {said(seen)}", seen)


@orders("ORD-044", title="Safety stock is not ordered", scenarios=("safety_stock",))
def safety_ordered(t: Transcript) -> Iterator[Outcome]:
    """Four of five when two are kept back."""
    yield from refusal(t, "safety_stock", "order into safety", "out_of_stock", "order beside safety")


@orders("ORD-045", title="A late payment does not break a limit", scenarios=("late_limits",))
def late_within_limit(t: Transcript) -> Iterator[Outcome]:
    """Two bought after the first order expired; then that one is paid."""
    good(t, "late_limits", "bought meanwhile")
    good(t, "late_limits", "paid late")
    seen = good(t, "late_limits", "order when paid late")
    found = (seen.answer.get("status"), dig(seen.answer, "refunds", 0, "reason"))
    yield holds(found == ("refunded", "late_payment"), "the money goes back", f"the order is {found}", seen)
