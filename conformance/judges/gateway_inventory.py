"""Judges of inventory.md: holds and stock."""

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
    numbers,
    ok,
    refusal,
    said,
    stock,
)
from conformance.model import Outcome, check, failed, holds, inconclusive, passed, unverified
from conformance.timing import HOLD_LIFE
from conformance.transcript import Transcript

gateway = partial(check, role="gateway")
RUSH = 7  # units of the oversell scenario


@gateway("INV-001", title="Never oversold, however many come at once", scenarios=("oversell",))
def never_oversold(t: Transcript) -> Iterator[Outcome]:
    """Thirty buyers at once on seven units: seven at most get one, and the others are refused clearly."""
    rush = t.all("oversell", label="rush")
    won = [e for e in rush if ok(e)]
    if not won:
        yield unverified("nobody got anything", *rush[:3])
    elif len(won) > RUSH:
        yield failed(f"{len(won)} of {len(rush)} buyers got one of {RUSH} units", *won)
    else:
        lost = [e for e in rush if not ok(e) and not is_problem(e, "out_of_stock")]
        full = len(won) == RUSH and not lost
        words = f"{len(won)} of {len(rush)} buyers got one of {RUSH} units"
        yield (
            passed(words, *won) if full else inconclusive(f"{words}; others: {[said(e) for e in lost]}", *won)
        )


@gateway("INV-002", title="A hold for more than there is is refused", scenarios=("holds",))
def hold_beyond_stock(t: Transcript) -> Iterator[Outcome]:
    """Four of three left."""
    yield from refusal(t, "holds", "more than there is", "out_of_stock", "all there is")
    yield moved(t, "holds", "stock while held", "stock after refusal")


@gateway("INV-003", title="Every hold ends within a day", scenarios=("holds", "sale", "extensions"))
def holds_end(t: Transcript) -> Iterator[Outcome]:
    """expires_at of every hold made, by the gateway's own clock."""
    for seen in t.all(operation="create_reservation", where=ok):
        made, ends = moment(seen.answer.get("created_at")), moment(seen.answer.get("expires_at"))
        if made is None or ends is None:
            yield failed("a hold without expires_at", seen)
        else:
            life = ends - made
            yield holds(
                0 < life <= HOLD_LIFE.seconds, "holds end within a day", f"a hold of {life:.0f} s", seen
            )


@gateway("INV-004", title="An expired hold's stock is on sale again", scenarios=("hold_expires",))
def expiry_returns(t: Transcript) -> Iterator[Outcome]:
    """Two units held, then not."""
    yield moved(t, "hold_expires", "stock while held", "stock after expiry", available=2, reserved=-2)


@gateway("INV-005", title="A hold past its time shows as expired", scenarios=("hold_expires",))
def shows_expired(t: Transcript) -> Iterator[Outcome]:
    """get_reservation after expires_at."""
    seen = good(t, "hold_expires", "hold after expiry")
    status = seen.answer.get("status")
    yield holds(status == "expired", "the hold is expired", f"the hold is {status}", seen)


@gateway("INV-006", title="A released hold's stock is on sale again", scenarios=("holds",))
def release_returns(t: Transcript) -> Iterator[Outcome]:
    """Two of five given back (three more were held meanwhile)."""
    seen = good(t, "holds", "release")
    status = seen.answer.get("status")
    yield holds(status == "released", "the hold is released", f"the hold is {status}", seen)
    extra = 3 if ok(t.one("holds", "all there is")) else 0
    yield moved(
        t, "holds", "stock after refusal", "stock after release", available=2 - extra, reserved=extra - 2
    )


@gateway("INV-007", title="Releasing a hold again changes nothing", scenarios=("holds",))
def release_again(t: Transcript) -> Iterator[Outcome]:
    """The second release is answered with the hold as it is."""
    good(t, "holds", "release")
    seen = t.one("holds", "release again")
    same = ok(seen) and seen.answer.get("status") == "released"
    yield holds(same, "the second release shows the released hold", f"the second release: {said(seen)}", seen)
    yield moved(t, "holds", "stock after release", "stock after second release")


@gateway("INV-008", title="Extending moves expires_at", scenarios=("extensions",))
def extension_moves(t: Transcript) -> Iterator[Outcome]:
    """A hold of a minute, extended to ten."""
    before, after = good(t, "extensions", "hold"), good(t, "extensions", "extend 0")
    was, now = moment(before.answer.get("expires_at")), moment(after.answer.get("expires_at"))
    moved_on = was is not None and now is not None and now > was
    yield holds(moved_on, "expires_at moved on", f"expires_at went from {was} to {now}", before, after)


@gateway(
    "INV-009", title="A hold that is not active is not extended", scenarios=("extensions", "hold_expires")
)
def extend_inactive(t: Transcript) -> Iterator[Outcome]:
    """Released, and expired."""
    yield from refusal(t, "extensions", "extend released", "reservation_not_active", "extend 0")
    for seen in t.all("hold_expires", label="extend expired"):
        words = "extending an expired hold"
        yield holds(
            is_problem(seen, "reservation_not_active"), f"{words} is refused", f"{words}: {said(seen)}", seen
        )


@gateway("INV-010", title="A hold cannot be extended for ever", scenarios=("extensions",))
def extension_limit(t: Transcript) -> Iterator[Outcome]:
    """Thirty extensions at most."""
    good(t, "extensions", "extend 0")
    seen = t.all("extensions", where=lambda e: e.label.startswith("extend ") and e.label[7:].isdigit())
    last = seen[-1]
    limited = is_problem(last, "extension_limit_reached")
    count = len(seen) - 1
    yield holds(limited, f"refused after {count} extensions", f"after {count} extensions: {said(last)}", last)


@gateway("INV-011", title="A channel has a cap on open holds", scenarios=("caps",))
def channel_cap(t: Transcript) -> Iterator[Outcome]:
    """Three allowed, the fourth refused."""
    yield from refusal(t, "caps", "channel hold 3", "hold_limit_reached", "channel hold 2")


@gateway("INV-012", title="A buyer has a cap on open holds", scenarios=("caps",))
def buyer_cap(t: Transcript) -> Iterator[Outcome]:
    """Two allowed, the third refused, another buyer served."""
    yield from refusal(t, "caps", "buyer hold 2", "hold_limit_reached", "buyer hold 1")
    seen = t.one("caps", "another buyer")
    yield holds(ok(seen), "another buyer is served", f"another buyer: {said(seen)}", seen)


@gateway("INV-013", title="A withdrawn offer cannot be held", scenarios=("holds",))
def withdrawn_hold(t: Transcript) -> Iterator[Outcome]:
    """The same hold before and after withdrawal."""
    yield from refusal(t, "holds", "withdrawn", "offer_withdrawn", "right region")


@gateway("INV-014", title="A hold keeps its price", scenarios=("price_lock",))
def price_kept(t: Transcript) -> Iterator[Outcome]:
    """The price rises between hold and order."""
    control, seen = (
        t.one("price_lock", "old price without a hold"),
        t.one("price_lock", "old price from the hold"),
    )
    price = t.fact("price_lock", "price")
    if not is_problem(control, "price_mismatch"):
        yield unverified("the price did not rise for orders without a hold", control)
        return
    charged = dig(seen.answer, "lines", 0, "unit_price", "amount")
    kept = ok(seen) and charged == dig(price, "amount")
    bad = f"{said(seen)}, charged {charged}"
    yield holds(kept, "sold at the price of the hold", f"the order from the hold: {bad}", control, seen)


@gateway(
    "INV-015",
    title="The books balance at every instant",
    scenarios=("books", "oversell", "codes_once", "kinds"),
)
def books_balance(t: Transcript) -> Iterator[Outcome]:
    """Each reading adds up, and each movement is the one that was made."""
    for seen in t.all(operation="test_get_stock", where=ok):
        n = numbers(seen)
        total = n["available"] + n["reserved"] + n["allotted"] + n["sold"] + n["voided"]
        yield holds(
            n["received"] == total,
            "the books add up",
            f"received {n['received']}, but {total} accounted for",
            seen,
        )
    yield moved(t, "books", "6 received", "2 held", available=-2, reserved=2)
    yield moved(t, "books", "2 held", "1 sold", available=-1, sold=1)
    yield moved(t, "books", "1 sold", "1 voided", available=-1, voided=1)
    yield moved(t, "books", "1 voided", "2 added", received=2, available=2)
    yield moved(t, "books", "2 added", "2 more sold", reserved=-2, sold=2)
    if ok(t.one("books", "pending")):
        pending = stock(t, "books", "3 pending")[1]
        yield holds(pending["reserved"] == 3, "a pending order's units are reserved", f"{pending}")


@gateway("INV-016", title="No hold for a region where it may not be sold", scenarios=("holds",))
def hold_region(t: Transcript) -> Iterator[Outcome]:
    """The same hold for a buyer inside and outside."""
    yield from refusal(t, "holds", "wrong region", "region_not_allowed", "right region")


@gateway("INV-017", title="A hold is found by the channel's reference", scenarios=("sale",))
def hold_by_reference(t: Transcript) -> Iterator[Outcome]:
    """list_reservations with the reference gives that hold and no other."""
    made, seen = good(t, "sale", "hold"), good(t, "sale", "hold by reference")
    found = [one.get("id") for one in items(seen)]
    yield holds(
        found == [made.answer.get("id")], "found by reference", f"found {found} ({said(seen)})", made, seen
    )
