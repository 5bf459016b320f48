"""Judges of orders.md: orders and payment."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.judges.gateway_evidence import (
    dig,
    good,
    is_problem,
    items,
    moment,
    moved,
    ok,
    refusal,
    said,
    stock,
)
from conformance.model import Outcome, check, holds, unverified
from conformance.transcript import Transcript

gateway = partial(check, role="gateway")


@gateway("ORD-001", title="A paid order is fulfilled in the same call", scenarios=("sale",))
def fulfilled_at_once(t: Transcript) -> Iterator[Outcome]:
    """From a hold and directly."""
    for label in ("order", "two more"):
        seen = good(t, "sale", label)
        status = seen.answer.get("status")
        yield holds(status == "fulfilled", "fulfilled at once", f"{label}: {status}", seen)


@gateway("ORD-002", title="An order for more than there is is refused", scenarios=("refusals",))
def order_beyond_stock(t: Transcript) -> Iterator[Outcome]:
    """Four of three."""
    yield from refusal(t, "refusals", "more than there is", "out_of_stock", "all there is")
    seen, books = stock(t, "refusals", "stock of the rare")
    yield holds(books["sold"] == 0, "nothing of it was sold", f"{books['sold']} sold", seen)


@gateway("ORD-003", title="A wrong price is refused", scenarios=("refusals",))
def wrong_price(t: Transcript) -> Iterator[Outcome]:
    """A cent less, and another currency."""
    yield from refusal(t, "refusals", "wrong price", "price_mismatch", "right order")
    yield from refusal(t, "refusals", "wrong currency", "price_mismatch", "right order")


@gateway("ORD-004", title="A withdrawn offer is not sold", scenarios=("refusals",))
def withdrawn(t: Transcript) -> Iterator[Outcome]:
    """The same order before and after withdrawal."""
    yield from refusal(t, "refusals", "after withdrawal", "offer_withdrawn", "before withdrawal")


@gateway("ORD-005", title="Nothing is sold where it may not be", scenarios=("refusals",))
def wrong_region(t: Transcript) -> Iterator[Outcome]:
    """The same order for a buyer inside and outside."""
    yield from refusal(t, "refusals", "wrong region", "region_not_allowed", "right order")


@gateway("ORD-006", title="No more than max_per_order is sold", scenarios=("refusals",))
def too_many(t: Transcript) -> Iterator[Outcome]:
    """Three allowed, four refused."""
    yield from refusal(t, "refusals", "too many", "quantity_not_allowed", "most allowed")


@gateway("ORD-007", title="Buyer input must fit", scenarios=("refused_lines",))
def buyer_input(t: Transcript) -> Iterator[Outcome]:
    """Wrong and missing input; the field is named."""
    for label in ("wrong input", "no input"):
        yield from refusal(t, "refused_lines", label, "buyer_input_invalid", "right input")
    seen = t.one("refused_lines", "wrong input")
    if is_problem(seen, "buyer_input_invalid"):
        named = [dig(error, "pointer") for error in seen.answer.get("errors") or []]
        right = any(str(p).startswith("/lines/0/buyer_input") for p in named)
        yield holds(right, "the field is named", f"the fields named are {named}", seen)


@gateway("ORD-008", title="A reference names one order", scenarios=("refusals",))
def reference_once(t: Transcript) -> Iterator[Outcome]:
    """Another order with a used reference."""
    yield from refusal(t, "refusals", "reference again", "reference_in_use", "reference first")


@gateway("ORD-009", title="An order consumes its hold", scenarios=("sale",))
def hold_consumed(t: Transcript) -> Iterator[Outcome]:
    """The hold shows as consumed, its units as sold."""
    good(t, "sale", "order")
    seen = good(t, "sale", "hold used")
    status = seen.answer.get("status")
    yield holds(status == "consumed", "the hold is consumed", f"the hold is {status}", seen)
    reading, books = stock(t, "sale", "stock after one")
    right = (books["reserved"], books["sold"]) == (0, 1)
    yield holds(right, "its unit is sold", f"{books['reserved']} reserved, {books['sold']} sold", reading)


@gateway(
    "ORD-010", title="A hold that is not active buys nothing", scenarios=("sale", "holds", "hold_expires")
)
def dead_hold(t: Transcript) -> Iterator[Outcome]:
    """Consumed, released, expired."""
    yield from refusal(t, "sale", "hold used twice", "reservation_not_active", "order")
    rest = t.all("holds", label="order from released") + t.all("hold_expires", label="order from expired")
    for seen in rest:
        right = is_problem(seen, "reservation_not_active")
        yield holds(right, f"{seen.label}: refused", f"{seen.label}: {said(seen)}", seen)


@gateway("ORD-011", title="An order is what its hold was for", scenarios=("mismatch",))
def not_as_held(t: Transcript) -> Iterator[Outcome]:
    """Another offer, quantity, buyer."""
    for label in ("another offer", "another quantity", "another buyer"):
        yield from refusal(t, "mismatch", label, "reservation_mismatch", "as held")


@gateway("ORD-012", title="A pending order keeps its stock until due", scenarios=("pending",))
def pending_keeps(t: Transcript) -> Iterator[Outcome]:
    """payment_required, due later, two units off sale."""
    seen = good(t, "pending", "pending")
    due, now = moment(dig(seen.answer, "payment", "due_at")), t.fact("pending", "now")
    status = seen.answer.get("status")
    yield holds(status == "payment_required", "payment is required", f"the order is {status}", seen)
    yield holds(due is not None and due > now, "it says until when", f"payment.due_at is {due}", seen)
    reading, books = stock(t, "pending", "stock while pending")
    left = books["available"]
    yield holds(left == 8, "its stock is kept", f"{left} of 10 on sale beside a pending order for 2", reading)


@gateway("ORD-013", title="Payment fulfils a pending order", scenarios=("pending",))
def payment_fulfils(t: Transcript) -> Iterator[Outcome]:
    """Confirmed in time."""
    good(t, "pending", "pending")
    seen = t.one("pending", "paid")
    status = seen.answer.get("status")
    right = ok(seen) and status == "fulfilled"
    yield holds(right, "fulfilled when paid", f"after payment: {said(seen)}, {status}", seen)


@gateway("ORD-014", title="Another amount than the total is refused", scenarios=("pending",))
def other_amount(t: Transcript) -> Iterator[Outcome]:
    """A cent for two units."""
    yield from refusal(t, "pending", "wrong amount", "amount_mismatch", "paid")


@gateway("ORD-015", title="A pending order expires and gives its stock back", scenarios=("order_expires",))
def pending_expires(t: Transcript) -> Iterator[Outcome]:
    """After payment.due_at."""
    good(t, "order_expires", "pending")
    seen = good(t, "order_expires", "order after due")
    status = seen.answer.get("status")
    yield holds(status == "expired", "the order is expired", f"the order is {status}", seen)
    yield moved(t, "order_expires", "stock while pending", "stock after due", available=3, reserved=-3)


@gateway("ORD-016", title="No payment for what was cancelled", scenarios=("pending",))
def paid_after_cancel(t: Transcript) -> Iterator[Outcome]:
    """Beside the same payment in time, which is taken."""
    good(t, "pending", "cancel")
    yield from refusal(t, "pending", "paid after cancel", "transition_not_allowed", "paid")


@gateway("ORD-017", title="Cancelling gives the stock back", scenarios=("pending",))
def cancelling(t: Transcript) -> Iterator[Outcome]:
    """A pending order for three units."""
    seen = t.one("pending", "cancel")
    status = seen.answer.get("status")
    yield holds(ok(seen) and status == "cancelled", "cancelled", f"cancel: {said(seen)}, {status}", seen)
    yield moved(t, "pending", "stock before cancel", "stock after cancel", available=3, reserved=-3)


@gateway("ORD-018", title="A fulfilled order is not cancelled", scenarios=("pending",))
def cancel_fulfilled(t: Transcript) -> Iterator[Outcome]:
    """Beside a pending one that is."""
    fulfilled = t.one("pending", "order when paid")
    if fulfilled.answer.get("status") != "fulfilled":
        yield unverified("there was no fulfilled order", fulfilled)
        return
    yield from refusal(t, "pending", "cancel fulfilled", "transition_not_allowed", "cancel")


@gateway("ORD-020", title="An order is found by the channel's reference", scenarios=("sale",))
def by_reference(t: Transcript) -> Iterator[Outcome]:
    """list_orders with the reference gives that order and no other."""
    made, seen = good(t, "sale", "order"), good(t, "sale", "order by reference")
    found = [one.get("id") for one in items(seen)]
    yield holds(
        found == [made.answer.get("id")], "found by reference", f"found {found} ({said(seen)})", made, seen
    )


@gateway("ORD-022", title="An order has one currency", scenarios=("refused_lines",))
def one_currency(t: Transcript) -> Iterator[Outcome]:
    """Euros and dollars, each fine alone."""
    alone = t.one("refused_lines", "dollars alone")
    if not ok(alone):
        yield unverified(f"dollars alone: {said(alone)}", alone)
        return
    yield from refusal(t, "refused_lines", "two currencies", "currency_mixed", "one currency")


@gateway("ORD-024", title="All lines of an order are sold or none", scenarios=("refused_lines",))
def all_or_none(t: Transcript) -> Iterator[Outcome]:
    """The second line is sold out; the first must not be sold."""
    yield from refusal(t, "refused_lines", "second line sold out", "out_of_stock", "two lines")
    yield moved(t, "refused_lines", "first before", "first after")
