"""Judges of events.md: what changed, and the proof of who says so."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from conformance.judges.gateway_evidence import dig, every, good, items, ok, said, tries
from conformance.model import MissingError, Outcome, check, failed, holds, inconclusive, passed, unverified
from conformance.timing import BUSY
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway", capability="events")
STANDARD = "events by standard_webhooks"


def _events(t: Transcript, scenario: str, label: str = "", kind: str = "") -> list[Exchange]:
    found = tries(t, scenario, label)
    return [e for e in found if not kind or e.asked.get("type") == kind]


def _feed(t: Transcript, scenario: str, label: str = "event feed") -> list[tuple[Exchange, dict[str, Any]]]:
    t.one(scenario, label)
    return [(page, one) for page in t.all(scenario, label=label, where=ok) for one in items(page)]


def _sent(seen: list[Exchange], what: str) -> Outcome:
    """At least one event came."""
    return holds(bool(seen), f"{what} was posted", f"no {what} was posted", *seen)


@gateway("EVT-001", title="Events go to the channel they concern, and to no other", scenarios=("events",))
def to_no_other(t: Transcript) -> Iterator[Outcome]:
    """A second channel listens and hears nothing of the first."""
    if not tries(t, "events", STANDARD):
        raise MissingError("no event was posted at all")
    subjects = {t.fact("events", "offer"), t.fact("events", "order")}
    heard = [e for e in tries(t, "events", "events of a stranger") if e.asked.get("subject") in subjects]
    words = "an event of another channel was posted to a stranger"
    yield holds(not heard, "a stranger hears nothing", words, *heard[:3])


@gateway("EVT-002", title="order.updated when an order changes state", scenarios=("events",))
def order_updated(t: Transcript) -> Iterator[Outcome]:
    """Pending, then fulfilled, each with the order in it."""
    good(t, "events", "pay")
    name = t.fact("events", "order")
    seen = [e for e in _events(t, "events", STANDARD, "order.updated") if e.asked.get("subject") == name]
    yield _sent(seen, "order.updated")
    states = {dig(e.asked, "data", "order", "status") for e in seen}
    there = {"payment_required", "fulfilled"} <= states
    yield holds(there, "every state was told", f"told states: {sorted(map(str, states))}", *seen)


@gateway("EVT-003", title="delivery.ready for each delivery", scenarios=("events",))
def delivery_ready(t: Transcript) -> Iterator[Outcome]:
    """Two units, two events."""
    ready = {one.get("id") for e in t.all("events", label="deliveries", where=ok) for one in items(e)}
    if not ready:
        raise MissingError("the order has no deliveries")
    seen = _events(t, "events", STANDARD, "delivery.ready")
    told = {dig(e.asked, "data", "delivery", "id") for e in seen}
    yield _sent(seen, "delivery.ready")
    yield holds(ready <= told, "each was told", f"{len(ready - told)} of {len(ready)} were not told", *seen)


@gateway("EVT-004", title="offer.updated and offer.withdrawn", scenarios=("events",))
def offer_events(t: Transcript) -> Iterator[Outcome]:
    """The price changes, then the offer is withdrawn."""
    good(t, "events", "withdraw")
    updated = _events(t, "events", STANDARD, "offer.updated")
    priced = [e for e in updated if dig(e.asked, "data", "offer", "price", "amount") == 2500]
    yield _sent(priced, "offer.updated with the new price")
    yield _sent(_events(t, "events", STANDARD, "offer.withdrawn"), "offer.withdrawn")


@gateway("EVT-005", title="availability.changed when it sells out and comes back", scenarios=("events",))
def availability(t: Transcript) -> Iterator[Outcome]:
    """The last unit is held, then given back."""
    good(t, "events", "the last one")
    good(t, "events", "give it back")
    seen = _events(t, "events", STANDARD, "availability.changed")
    yield _sent(seen, "availability.changed")
    told = [dig(e.asked, "data", "offer", "availability", "status") == "out_of_stock" for e in seen]
    yield holds(set(told) == {True, False}, "both ways", f"told of selling out: {told}", *seen)


@gateway("EVT-006", title="reservation.expired when a hold expires", scenarios=("hold_expires",))
def hold_expired(t: Transcript) -> Iterator[Outcome]:
    """The hold whose time ran out."""
    hold = good(t, "hold_expires", "hold")
    good(t, "hold_expires", "hold after expiry")
    seen = _events(t, "hold_expires", kind="reservation.expired")
    yield _sent(seen, "reservation.expired")
    names = [e.asked.get("subject") for e in seen]
    yield holds(hold.answer.get("id") in names, "of this hold", f"of {names}", hold, *seen)


@gateway(
    "EVT-009",
    title="The event feed gives every event, oldest first, delivered or not",
    scenarios=("events", "events_retried", "events_unposted"),
)
def feed_has_all(t: Transcript) -> Iterator[Outcome]:
    """All that was posted is in the feed; so is what could not be posted."""
    feed = _feed(t, "events")
    shown = [one.get("id") for _, one in feed]
    subjects = (t.fact("events", "offer"), t.fact("events", "order"))
    taken = [e.asked for e in tries(t, "events", STANDARD) if ok(e)]
    posted = [event.get("id") for event in taken if event.get("subject") in subjects]
    if not posted:
        yield unverified("nothing was posted")
    missing = [name for name in posted if name not in shown]
    page = t.one("events", "event feed")
    yield holds(
        not missing, "all posted events", f"{len(missing)} of {len(posted)} posted events missing", page
    )
    yield holds(len(shown) == len(set(shown)), "each once", "an event comes twice in the feed", page)
    times = [str(one.get("occurred_at")) for _, one in feed]
    yield holds(times == sorted(times), "oldest first", "not ordered by occurred_at", page)
    for name in ("events_unposted", "events_retried"):
        order = t.fact(name, "order")
        there = any(one.get("subject") == order for _, one in _feed(t, name))
        yield holds(
            there,
            "undelivered events too",
            f"{name}: the order's event is missing",
            t.one(name, "event feed"),
        )


@gateway(
    "EVT-010", title="Each event of a subject has a higher revision", scenarios=("events", "order_expires")
)
def revision_rises(t: Transcript) -> Iterator[Outcome]:
    """In the feed, oldest first."""
    wrong, seen = [], 0
    for name in ("events", "order_expires"):
        last: dict[Any, Any] = {}
        for page, one in _feed(t, name):
            subject, revision = one.get("subject"), one.get("revision")
            if subject in last:
                seen += 1
                before = last[subject]
                if not (isinstance(revision, int) and isinstance(before, int) and revision > before):
                    wrong.append((page, f"{one.get('type')} has revision {revision} after {before}"))
            last[subject] = revision
    yield from every(wrong, seen, "revisions rise")


@gateway("EVT-011", title="Every page of the event feed has a next cursor", scenarios=("events",))
def always_a_cursor(t: Transcript) -> Iterator[Outcome]:
    """Also the last one, and the empty one."""
    pages = t.all("events", operation="list_events", where=ok)
    wrong = [
        (p, "a page without next_cursor") for p in pages if not isinstance(p.answer.get("next_cursor"), str)
    ]
    yield from every(wrong, len(pages), "pages with a cursor")
    after = t.all("events", label="nothing new")
    for page in after:
        if ok(page) and wrong == []:
            yield holds(
                not items(page), "nothing new after the end", "the last cursor is not at the end", page
            )


@gateway("EVT-017", title="A channel that hangs delays nobody else", scenarios=("events_apart",))
def apart(t: Transcript) -> Iterator[Outcome]:
    """One channel takes four seconds for each event; the other has its own while that one is still busy."""
    if not t.fact("events_apart", "begun"):
        raise MissingError("the slow channel got no event")
    good(t, "events_apart", "order of the quick")
    seen, lag = tries(t, "events_apart", "quick channel"), t.fact("events_apart", "lag")
    told = [e for e in seen if e.asked.get("type") == "order.updated"]
    busy = tries(t, "events_apart", "slow channel")
    arrived = any(slow.started < e.started < slow.ended for e in told for slow in busy)
    if not arrived and lag > BUSY:
        yield inconclusive(f"the other's event was late, but the suite itself was {lag} s late", *seen)
        return
    words = "the other channel got its event only after the slow one"
    yield holds(arrived, "the other channel did not wait", words, *seen)


@gateway("TRC-004", title="An event has the trace of its cause", scenarios=("events",))
def event_trace(t: Transcript) -> Iterator[Outcome]:
    """The payment's trace in the event of the fulfilled order."""
    paid = good(t, "events", "pay")
    trace = (paid.request.header("traceparent") or "").split("-")[1]
    name = t.fact("events", "order")
    told = [e for e in _events(t, "events", STANDARD, "order.updated") if e.asked.get("subject") == name]
    seen = [e for e in told if dig(e.asked, "data", "order", "status") == "fulfilled"]
    if not seen:
        raise MissingError("no order.updated of the fulfilled order")
    for event in seen:
        words = "the event has another trace than the payment that caused it"
        yield holds(
            trace in str(event.asked.get("traceparent")), "the trace of its cause", words, paid, event
        )


@gateway("TRC-004", suffix="b", title="Posting continues the event's trace", scenarios=("events",))
def posted_trace(t: Transcript) -> Iterator[Outcome]:
    """The header traceparent of every post."""
    seen = tries(t, "events", STANDARD)
    wrong = []
    for event in seen:
        told = str(event.asked.get("traceparent")).split("-")
        header = str(event.request.header("traceparent")).split("-")
        if told[1:2] != header[1:2]:
            wrong.append((event, "the post's traceparent is not of the event's trace"))
    yield from every(wrong, len(seen), "posts in the event's trace")


def _passed_all(seen: list[Exchange], bad: list[tuple[Exchange, str]], words: str) -> Iterator[Outcome]:
    for exchange, text in bad[:3]:
        yield failed(text, exchange)
    if seen and not bad:
        yield passed(f"{words} ({len(seen)} posts)", *seen[:3])


@gateway(
    "SIG-001", title="Signed by the scheme that the channel names", scenarios=("events", "events_signed")
)
def named_scheme(t: Transcript) -> Iterator[Outcome]:
    """One channel of each scheme."""
    for name, headers in (
        ("events", ("webhook-id", "webhook-timestamp", "webhook-signature")),
        ("events_signed", ("Signature-Input", "Signature")),
    ):
        seen = tries(t, name)
        if not seen:
            yield unverified(f"no event was posted in {name}")
        bad = [(e, f"no {h} ({said(e)})") for e in seen for h in headers if not e.request.header(h)]
        yield from _passed_all(seen, bad, "signed by the scheme named")
