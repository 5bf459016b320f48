"""Judges of orders.md, after the sale: refunds, replacements, disputes, late payments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from conformance.driver.shop import opened
from conformance.judges.gateway_evidence import dig, good, is_problem, items, moved, ok, refusal, said
from conformance.model import Outcome, check, holds, unverified
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway", capability="orders")


@gateway("ORD-025", title="A refund is of the order's money", scenarios=("refunds",))
def amounts(t: Transcript) -> Iterator[Outcome]:
    """One unit of three, then the other two: amount and instruction."""
    order = good(t, "refunds", "order")
    price = dig(order.answer, "lines", 0, "unit_price")
    for label, units in (("refund one", 1), ("refund the rest", 2)):
        seen = good(t, "refunds", label)
        wanted = (price["amount"] * units, price["currency"])
        for where in (("amount",), ("instruction", "amount")):
            found = dig(seen.answer, *where)
            right = (dig(found, "amount"), dig(found, "currency")) == wanted
            name = ".".join(where)
            yield holds(right, f"{label}: {name} is right", f"{label}: {name} is {found}, not {wanted}", seen)


@gateway("ORD-026", title="What is refunded cannot be opened", scenarios=("refunds",))
def goods_gone(t: Transcript) -> Iterator[Outcome]:
    """All three, beside one that was not refunded."""
    good(t, "refunds", "refund one")
    good(t, "refunds", "refund the rest")
    good(t, "refunds", "reveal not refunded")
    for seen in t.all("refunds", label="reveal refunded"):
        yield holds(
            is_problem(seen, "delivery_voided"), "cannot be opened", f"opening it: {said(seen)}", seen
        )


@gateway("ORD-027", title="Nothing goes back on sale", scenarios=("refunds", "replacements"))
def never_sold_again(t: Transcript) -> Iterator[Outcome]:
    """The books after each refund, and after a replacement."""
    for label in ("refund one", "refund the rest"):
        good(t, "refunds", label)
    yield moved(t, "refunds", "stock before", "stock after one", sold=-1, voided=1)
    yield moved(t, "refunds", "stock after too much", "stock after all", sold=-2, voided=2)
    good(t, "replacements", "replace")
    yield moved(t, "replacements", "stock before", "stock after", available=-1, voided=1)


@gateway("ORD-028", title="A refunded order says how far", scenarios=("refunds",))
def how_far(t: Transcript) -> Iterator[Outcome]:
    """After one of three, and after all."""
    for refund, label, wanted in (
        ("refund one", "order after one", "partially_refunded"),
        ("refund the rest", "order after all", "refunded"),
    ):
        good(t, "refunds", refund)
        seen = good(t, "refunds", label)
        status = seen.answer.get("status")
        yield holds(status == wanted, f"{label}: {wanted}", f"{label}: {status}, not {wanted}", seen)


@gateway("ORD-029", title="No more is refunded than is left", scenarios=("refunds",))
def not_too_much(t: Transcript) -> Iterator[Outcome]:
    """Three when two are left."""
    yield from refusal(t, "refunds", "refund too much", "exceeds_order", "refund one")


@gateway("ORD-030", title="Refunds are listed", scenarios=("refunds",))
def listed(t: Transcript) -> Iterator[Outcome]:
    """In list_refunds and in the order, each that was made."""
    made = [e.answer.get("id") for e in t.all("refunds", operation="create_refund", where=_of_the_order(t))]
    if len(made) < 2:
        yield unverified("there were not two refunds")
        return
    page, order = good(t, "refunds", "refunds"), good(t, "refunds", "order after all")
    found = [one.get("id") for one in items(page)]
    yield holds(found == made, "the list has them", f"the list has {found}, made were {made}", page)
    shown = [dig(one, "id") for one in order.answer.get("refunds") or []]
    yield holds(shown == made, "the order has them", f"the order has {shown}, made were {made}", order)


def _of_the_order(t: Transcript) -> Callable[[Exchange], bool]:
    order_id = good(t, "refunds", "order").answer.get("id")
    return lambda seen: ok(seen) and seen.answer.get("order_id") == order_id


@gateway("ORD-031", title="Only what was fulfilled is refunded", scenarios=("refunds",))
def not_pending(t: Transcript) -> Iterator[Outcome]:
    """An order that nobody has paid."""
    yield from refusal(t, "refunds", "refund pending", "transition_not_allowed", "refund one")


@gateway("ORD-032", title="A dead code is replaced", scenarios=("replacements",))
def replaced(t: Transcript) -> Iterator[Outcome]:
    """The old one is closed, the new one names it and has other goods."""
    before, seen = good(t, "replacements", "dead goods"), good(t, "replacements", "replace")
    old, status = dig(before.answer, "delivery", "id"), dig(seen.answer, "voided", "status")
    names = (dig(seen.answer, "voided", "id"), dig(seen.answer, "delivery", "replaces"))
    yield holds(names == (old, old), "the new one names the old one", f"{names}, not {old}", seen)
    yield holds(status == "voided", "the old one is voided", f"the old one is {status}", seen)
    again = t.one("replacements", "reveal replaced")
    closed = is_problem(again, "delivery_voided")
    yield holds(closed, "the old one is closed", f"opening the old one: {said(again)}", again)
    after = t.one("replacements", "other goods")
    fresh = ok(after) and bool(opened(after.answer)) and opened(after.answer) != opened(before.answer)
    yield holds(
        fresh, "the new one has other goods", f"the new one has no other goods ({said(after)})", after
    )


@gateway("ORD-033", title="Nothing is voided for nothing", scenarios=("replacements",))
def no_replacement(t: Transcript) -> Iterator[Outcome]:
    """The last code: refused, and it can still be opened."""
    yield from refusal(t, "replacements", "replace with nothing", "out_of_stock", "replace")
    seen = t.one("replacements", "still there")
    yield holds(ok(seen), "it is still there", f"opening it: {said(seen)}", seen)


@gateway("ORD-034", title="A dispute shows", scenarios=("disputes",))
def disputed(t: Transcript) -> Iterator[Outcome]:
    """In the order's state and in the order; also of an order of which a part was refunded before."""
    for report, after in (("dispute", "order when disputed"), ("dispute of the rest", "rest when disputed")):
        made, seen = good(t, "disputes", report), good(t, "disputes", after)
        status = seen.answer.get("status")
        yield holds(status == "disputed", "the order is disputed", f"the order is {status}", made, seen)
        shown = [dig(one, "id") for one in seen.answer.get("disputes") or []]
        right = shown == [made.answer.get("id")]
        yield holds(right, "the order has the dispute", f"the order has {shown}", made, seen)


def _expired(t: Transcript) -> Exchange:
    return good(t, "order_expires", "order after due", where=lambda e: e.answer.get("status") == "expired")


@gateway("ORD-035", title="A late payment takes stock anew", scenarios=("order_expires",))
def late(t: Transcript) -> Iterator[Outcome]:
    """Three of ten, which nobody wanted meanwhile."""
    before, seen = _expired(t), t.one("order_expires", "paid late")
    status = seen.answer.get("status")
    right = ok(seen) and status == "fulfilled"
    yield holds(right, "fulfilled after all", f"paid late: {said(seen)}, {status}", before, seen)
    yield moved(t, "order_expires", "stock after due", "stock when paid late", available=-3, sold=3)


@gateway("ORD-036", title="A late payment is never lost", scenarios=("order_expires",))
def late_and_gone(t: Transcript) -> Iterator[Outcome]:
    """The last unit, which another has bought meanwhile."""
    _expired(t)
    sold, seen = good(t, "order_expires", "sold meanwhile"), t.one("order_expires", "paid when gone")
    status = seen.answer.get("status")
    right = ok(seen) and status == "refunded"
    yield holds(right, "the order ends refunded", f"paid when gone: {said(seen)}, {status}", sold, seen)
    for where in ("order when gone", "refunds when gone"):
        page = t.one("order_expires", where)
        found = items(page) or page.answer.get("refunds") or []
        whole = [r for r in found if dig(r, "amount") == dig(sold.answer, "total")]
        told = bool(whole) and dig(whole[0], "reason") == "late_payment"
        yield holds(told, f"{where}: told to return it", f"{where}: no such refund ({said(page)})", page)
