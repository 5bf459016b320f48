"""Judges of leases (allotments.md)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import spec
from conformance.judges.gateway_evidence import (
    dig,
    good,
    items,
    moment,
    moved,
    ok,
    refusal,
    said,
    stock,
    tries,
)
from conformance.model import MissingError, Outcome, check, failed, holds
from conformance.timing import LEASE_LIFE
from conformance.tokens import verified
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway", capability="allotments")
RUSHED = 8  # units
Json = dict[str, Any]


def _results(seen: Exchange) -> list[Json]:
    """The results of a report that was taken; raises MissingError when there are none."""
    found = seen.answer.get("results")
    if not ok(seen) or not isinstance(found, list):
        raise MissingError(f"no results: {said(seen)}")
    return [one if isinstance(one, dict) else {} for one in found]


def _told(results: list[Json]) -> list[Any]:
    """What was told of each sale: accepted, or the problem."""
    return [dig(one, "problem", "code") or one.get("status") for one in results]


def _report(t: Transcript, story: str, label: str) -> tuple[Exchange, list[Json]]:
    seen = t.one(story, label)
    return seen, _results(seen)


def _first_accepted(t: Transcript) -> tuple[Exchange, list[Json]]:
    """The report of three sales; raises MissingError unless the first of them, a right one, was accepted."""
    seen, results = _report(t, "sales", "report")
    if _told(results)[:1] != ["accepted"]:
        raise MissingError(f"the first sale was not accepted: {_told(results)}")
    return seen, results


@gateway("ALT-001", title="What is leased is nobody else's", scenarios=("leases",))
def set_aside(t: Transcript) -> Iterator[Outcome]:
    """Four of six, and an order of three."""
    yield moved(t, "leases", "stock before", "stock leased", available=-4, allotted=4)
    yield from refusal(t, "leases", "order of what is leased", "out_of_stock", "order of the rest")


@gateway("ALT-002", title="No lease of more than there is", scenarios=("leases",))
def beyond_stock(t: Transcript) -> Iterator[Outcome]:
    """Seven, where there are six at most."""
    yield from refusal(t, "leases", "lease of too many", "out_of_stock", "lease")
    yield moved(t, "leases", "stock leased", "stock after refusal")


@gateway("ALT-003", title="No lease of a strict offer", scenarios=("leases",))
def strict(t: Transcript) -> Iterator[Outcome]:
    """The same lease of an offer that may be leased, and of one that may not."""
    yield from refusal(t, "leases", "lease of strict", "allotment_not_allowed", "lease")


@gateway("ALT-004", title="Every lease ends within 30 days", scenarios=("leases", "sales"))
def leases_end(t: Transcript) -> Iterator[Outcome]:
    """Also one that was wished to live as long as can be."""
    for seen in t.all(operation="create_allotment", where=ok):
        made, ends = moment(seen.answer.get("created_at")), moment(seen.answer.get("expires_at"))
        fits = made is not None and ends is not None and made < ends <= made + LEASE_LIFE.seconds
        words = f"from {seen.answer.get('created_at')} to {seen.answer.get('expires_at')}"
        yield holds(fits, "leases end within 30 days", f"a lease {words}", seen)


@gateway("ALT-005", title="A lease is signed for its channel", scenarios=("leases",))
def signed(t: Transcript) -> Iterator[Outcome]:
    """By a published key, with quantity and end; also when it is read."""
    keys = good(t, "leases", "keys").answer
    client = t.fact("leases", "client")
    for label in ("lease", "lease again"):
        seen = good(t, "leases", label)
        lease = seen.answer
        token = verified(str(lease.get("lease")), keys)
        if "error" in token:
            yield failed(f"{label}: the lease does not verify ({token['error']})", seen)
            continue
        claims, ends = token["claims"], moment(lease.get("expires_at"))
        errors = [f"{where} {text}" for where, text in spec.validator("LeaseClaims").errors(claims)]
        yield holds(not errors, f"{label}: LeaseClaims", f"{label}: no LeaseClaims: {errors[:2]}", seen)
        wanted = (
            "vgcp-lease+jwt",
            client,
            client,
            lease.get("id"),
            lease.get("offer_id"),
            lease.get("quantity"),
        )
        names = ("sub", "aud", "allotment_id", "offer_id", "quantity")
        found = (token["header"].get("typ"), *(claims.get(name) for name in names))
        yield holds(
            found == wanted, f"{label}: says what was leased", f"{label}: says {found}, not {wanted}", seen
        )
        in_time = ends is not None and isinstance(claims.get("exp"), int) and claims["exp"] <= ends
        yield holds(in_time, f"{label}: ends in time", f"{label}: ends at {claims.get('exp')}", seen)


@gateway("ALT-006", title="Safety stock is not leased", scenarios=("lease_limits",))
def safety(t: Transcript) -> Iterator[Outcome]:
    """Four of five when two are kept back."""
    yield from refusal(t, "lease_limits", "lease into safety", "out_of_stock", "lease beside safety")


@gateway("ALT-007", title="Leases count against the channel's limit", scenarios=("lease_limits",))
def channel_limit(t: Transcript) -> Iterator[Outcome]:
    """Three, and one more."""
    yield from refusal(t, "lease_limits", "lease above limit", "channel_limit_reached", "lease at limit")


@gateway("ALT-008", title="A lease is found by reference", scenarios=("leases",))
def by_reference(t: Transcript) -> Iterator[Outcome]:
    """The one of this name, and only it."""
    made, seen = good(t, "leases", "lease"), good(t, "leases", "leases by reference")
    found = [one.get("id") for one in items(seen)]
    yield holds(found == [made.answer.get("id")], "found", f"found {found}", made, seen)


@gateway("ALT-018", title="What is released is on sale again", scenarios=("leases",))
def released(t: Transcript) -> Iterator[Outcome]:
    """One of four."""
    good(t, "leases", "release")
    yield moved(t, "leases", "stock before release", "stock after release", available=1, allotted=-1)


@gateway("ALT-019", title="No more is released than remains", scenarios=("leases",))
def released_too_much(t: Transcript) -> Iterator[Outcome]:
    """Nine of three."""
    yield from refusal(t, "leases", "release too many", "exceeds_allotment", "release")


@gateway("ALT-009", title="A sale becomes a fulfilled order", scenarios=("sales",))
def ordered(t: Transcript) -> Iterator[Outcome]:
    """Found by the sale's reference, with its units delivered out of the lease."""
    seen, results = _first_accepted(t)
    listed = good(t, "sales", "order of the sale")
    found = [(one.get("id"), one.get("status"), dig(one, "total", "amount")) for one in items(listed)]
    price = dig(good(t, "sales", "lease").answer, "unit_price", "amount")
    wanted = [(results[0].get("order_id"), "fulfilled", 2 * price if isinstance(price, int) else price)]
    yield holds(found == wanted, "one fulfilled order", f"orders {found}, not {wanted}", seen, listed)
    if found == wanted:
        goods = t.all("sales", label="goods of the sale", where=ok)
        yield holds(len(goods) == 2, "two units to open", f"{len(goods)} units to open", listed)


@gateway("ALT-010", title="A sale is sold once", scenarios=("sales", "sales_rush"))
def sold_once(t: Transcript) -> Iterator[Outcome]:
    """Reported in another report, and in fourteen at once."""
    first, results = _first_accepted(t)
    again, repeated = _report(t, "sales", "report again")
    orders = (dig(results, 0, "order_id"), dig(repeated, 0, "order_id"))
    yield holds(orders[0] == orders[1], "the same order", f"two orders: {orders}", first, again)
    rush = [e for e in t.all("sales_rush", label="rush") if ok(e)]
    named = {dig(_results(e), 0, "order_id") for e in rush}
    if rush:
        yield holds(len(named) == 1, "one order in the rush", f"{len(named)} orders of one sale", *rush[:5])


@gateway("ALT-011", title="A reference is one sale's", scenarios=("sales",))
def reference_used(t: Transcript) -> Iterator[Outcome]:
    """The same reference with another quantity."""
    _first_accepted(t)
    seen, other = _report(t, "sales", "another sale of the name")
    yield holds(_told(other) == ["reference_in_use"], "refused", f"the other sale: {_told(other)}", seen)


@gateway("ALT-012", title="A refused sale keeps no other from being accepted", scenarios=("sales",))
def by_itself(t: Transcript) -> Iterator[Outcome]:
    """Good, at a wrong price, good."""
    seen, results = _first_accepted(t)
    told = _told(results)
    names = [one.get("reference") for one in results]
    asked = [one.get("reference") for one in seen.asked.get("sales", [])]
    yield holds(names == asked, "a result for each, in order", f"results {names} for {asked}", seen)
    yield holds(told[2:] == ["accepted"], "the last sale is accepted", f"{told}", seen)


@gateway("ALT-013", title="No sale at another price", scenarios=("sales",))
def priced(t: Transcript) -> Iterator[Outcome]:
    """Five euros more than the lease says."""
    seen, results = _first_accepted(t)
    told = _told(results)[1:2]
    yield holds(told == ["price_mismatch"], "refused with price_mismatch", f"{told}", seen)


@gateway("ALT-017", title="A lease keeps its price", scenarios=("sales",))
def price_kept(t: Transcript) -> Iterator[Outcome]:
    """The offer became dearer since."""
    good(t, "sales", "rise")
    seen, results = _report(t, "sales", "sale at the old price")
    yield holds(_told(results) == ["accepted"], "sold at the lease's price", f"{_told(results)}", seen)


@gateway("ALT-014", title="Late sales are taken while stock lasts", scenarios=("late_sales",))
def late(t: Transcript) -> Iterator[Outcome]:
    """Two when one remains; then three of a lease that was given back."""
    more, results = _report(t, "late_sales", "more than remains")
    yield holds(
        _told(results) == ["accepted"], "taken from the stock", f"more than remains: {_told(results)}", more
    )
    good(t, "late_sales", "release all")
    seen, results = _report(t, "late_sales", "late sales")
    taken = _told(results) == ["accepted"] * 3
    yield holds(taken, "late sales are taken", f"late sales: {_told(results)}", seen)
    if taken:
        yield moved(
            t, "late_sales", "stock before late sales", "stock after late sales", available=-3, sold=3
        )


@gateway("ALT-015", title="What is not there is not sold", scenarios=("late_sales",))
def exhausted(t: Transcript) -> Iterator[Outcome]:
    """One, when lease and stock have none."""
    if any(stock(t, "late_sales", "stock after late sales")[1][name] for name in ("available", "allotted")):
        raise MissingError("there is still something left")
    seen, results = _report(t, "late_sales", "sale of nothing")
    told, status = _told(results), dig(results, 0, "problem", "status")
    right = told == ["allotment_exhausted"] and status == spec.problems()["allotment_exhausted"].status
    yield holds(right, "refused with allotment_exhausted", f"{told}, status {status}", seen)
    yield moved(t, "late_sales", "stock after late sales", "stock after the sale of nothing")


@gateway("ALT-016", title="Never oversold, however many reports come at once", scenarios=("sales_rush",))
def never_oversold(t: Transcript) -> Iterator[Outcome]:
    """Fourteen reports on eight units."""
    rush = [e for e in t.all("sales_rush", label="rush") if ok(e)]
    orders = {one.get("order_id") for e in rush for one in _results(e) if one.get("status") == "accepted"}
    if not orders:
        raise MissingError("no sale was accepted")
    words = f"{len(orders)} units of {RUSHED} sold"
    yield holds(len(orders) <= RUSHED, words, words, *rush[:5])


@gateway("ALT-020", title="What remains of an expired lease is on sale again", scenarios=("leases_end",))
def expired(t: Transcript) -> Iterator[Outcome]:
    """Two of five."""
    good(t, "leases_end", "short lease")
    yield moved(t, "leases_end", "stock while leased", "stock after expiry", available=2, allotted=-2)


@gateway("ALT-021", title="A recall is told", scenarios=("leases_end",))
def recall_told(t: Transcript) -> Iterator[Outcome]:
    """allotment.recalled with the lease, and its new end."""
    told = good(t, "leases_end", "recall")
    name = t.fact("leases_end", "recalled")
    seen = [e for e in tries(t, "leases_end") if e.asked.get("type") == "allotment.recalled"]
    mine = [e for e in seen if e.asked.get("subject") == name]
    yield holds(
        bool(mine), "allotment.recalled was posted", "no allotment.recalled was posted", told, *mine[:1]
    )
    for event in mine[:1]:
        ends = dig(event.asked, "data", "allotment", "expires_at")
        same = ends == told.answer.get("expires_at")
        yield holds(same, "with its new end", f"it says {ends}, not {told.answer.get('expires_at')}", event)


@gateway("ALT-022", title="A recalled lease sells until its end", scenarios=("leases_end",))
def sold_after_recall(t: Transcript) -> Iterator[Outcome]:
    """One of three, from the lease."""
    good(t, "leases_end", "recall")
    seen, results = _report(t, "leases_end", "sale after recall")
    taken = _told(results) == ["accepted"]
    yield holds(taken, "accepted", f"the sale: {_told(results)}", seen)
    if taken:
        yield moved(t, "leases_end", "stock when recalled", "stock after that sale", allotted=-1, sold=1)


@gateway("ALT-023", title="What remains of a recalled lease is on sale again", scenarios=("leases_end",))
def back_after_recall(t: Transcript) -> Iterator[Outcome]:
    """At its new end."""
    good(t, "leases_end", "recall")
    _, before = stock(t, "leases_end", "stock after that sale")
    rest = before["allotted"]
    if not rest:
        raise MissingError("nothing remained of the recalled lease")
    yield moved(t, "leases_end", "stock after that sale", "stock after grace", available=rest, allotted=-rest)
