"""Judges of conventions.md: idempotency and tracing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.judges.gateway_evidence import (
    answers,
    every,
    good,
    is_problem,
    items,
    ok,
    refusal,
    said,
    stock,
    trace_id,
    trace_of,
)
from conformance.model import MissingError, Outcome, check, holds, unverified
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway")
REPEATED = {
    "hold": "replay",
    "extend": "replay",
    "order": "replay",
    "pay": "replay",
    "cancel": "replay_ends",
    "reveal": "replay_ends",
}


@gateway("IDM-001", title="A missing Idempotency-Key is refused", scenarios=("replay",))
def key_missing(t: Transcript) -> Iterator[Outcome]:
    """The same order with a key is served."""
    yield from refusal(t, "replay", "no key", "idempotency_key_missing", "order first")


def _replayed(first: Exchange, again: Exchange, marked: bool = True) -> str:
    """What is wrong with a replay, "" when nothing is; `marked`: look at Idempotency-Replayed too."""
    if again.status != first.status:
        return f"{said(again)} instead of {first.status}"
    if not first.response or not again.response or again.response.body != first.response.body:
        return "another body than the first answer's"
    if marked and (again.header("idempotency-replayed") or "").lower() != "true":
        return "not marked Idempotency-Replayed: true"
    return ""


@gateway(
    "IDM-002",
    title="The same key and request give the first answer again",
    scenarios=("replay", "replay_ends"),
)
def replayed(t: Transcript) -> Iterator[Outcome]:
    """Every operation that takes a key; in the end one order was sold, one reveal counted."""
    for name, scenario in REPEATED.items():
        first, again = good(t, scenario, f"{name} first"), t.one(scenario, f"{name} again")
        fault = _replayed(first, again)
        yield holds(not fault, "replayed", f"{name}: {fault}", first, again)
    reading, books = stock(t, "replay", "stock when paid")
    right = (books["sold"], books["reserved"]) == (1, 1)
    yield holds(right, "and changed nothing", f"{books['sold']} sold, {books['reserved']} reserved", reading)


@gateway("IDM-003", title="A key with another request is refused", scenarios=("replay", "replay_ends"))
def conflict(t: Transcript) -> Iterator[Outcome]:
    """Every operation that takes a key."""
    for name, scenario in REPEATED.items():
        yield from refusal(t, scenario, f"{name} conflict", "idempotency_key_reused", f"{name} first")


@gateway("IDM-004", title="One key at once takes effect once", scenarios=("same_key",))
def once_at_once(t: Transcript) -> Iterator[Outcome]:
    """Eight times the same order at the same moment."""
    seen = t.all("same_key", label="at once")
    made = {e.answer.get("id") for e in seen if ok(e)}
    if not made:
        raise MissingError("none of the eight was served")
    odd = [e for e in seen if not ok(e) and not is_problem(e, "idempotency_in_flight")]
    reading, books = stock(t, "same_key", "stock")
    words = f"{len(made)} orders, {books['sold']} sold; others: {[said(e) for e in odd]}"
    right = len(made) == 1 and books["sold"] == 1 and not odd
    yield holds(right, "eight requests, one order", words, *seen, reading)


@gateway("IDM-005", title="A key's answer survives a broken connection", scenarios=("dropped",))
def after_a_drop(t: Transcript) -> Iterator[Outcome]:
    """No answer; then the same request again gives the one order that was made."""
    lost, found = t.one("dropped", "dropped"), t.one("dropped", "by reference")
    if lost.status or len(items(found)) != 1:
        yield unverified(
            f"test control dropped no answer: {said(lost)}, {len(items(found))} orders", lost, found
        )
        return
    again = t.one("dropped", "asked again")
    reading, books = stock(t, "dropped", "stock")
    same = ok(again) and again.answer.get("id") == items(found)[0].get("id") and books["sold"] == 1
    words = f"asked again: {said(again)}; {books['sold']} sold"
    yield holds(same, "the first answer, late", words, lost, found, again, reading)


@gateway("IDM-006", title="Keys belong to a client and an operation", scenarios=("key_scope",))
def key_scope(t: Transcript) -> Iterator[Outcome]:
    """The same key by another client, and for another operation."""
    good(t, "key_scope", "first client")
    for label in ("second client", "another operation"):
        seen = t.one("key_scope", label)
        fresh = ok(seen) and not seen.header("idempotency-replayed")
        yield holds(fresh, "served as new", f"{label}: {said(seen)}", seen)


@gateway("IDM-007", title="Keys are kept for seven days", scenarios=("week",))
def kept_a_week(t: Transcript) -> Iterator[Outcome]:
    """An hour short of it by the sandbox's clock."""
    first, again = good(t, "week", "first"), t.one("week", "a week later")
    fault = _replayed(first, again, marked=False)
    yield holds(not fault, "replayed after a week", f"after a week: {fault}", first, again)


@gateway("IDM-010", title="A refusal does not use up its key", scenarios=("refused_key",))
def refused_key(t: Transcript) -> Iterator[Outcome]:
    """Out of stock, then restocked."""
    refused, again = t.one("refused_key", "refused"), t.one("refused_key", "after restock")
    if not is_problem(refused, "out_of_stock"):
        yield unverified(f"the first was not refused: {said(refused)}", refused)
        return
    yield holds(ok(again), "served after restock", f"after restock: {said(again)}", refused, again)


@gateway("TRC-001", title="Answers continue the caller's trace", scenarios=("traces",))
def trace_continued(t: Transcript) -> Iterator[Outcome]:
    """Every answer to a request with a good traceparent."""
    wrong, seen = [], 0
    for exchange in answers(t):
        sent = trace_id(exchange.request.header("traceparent"))
        if sent and exchange.operation:
            seen += 1
            if trace_of(exchange) != sent:
                wrong.append(
                    (exchange, f"{exchange.operation} answered in another trace than it was asked in")
                )
    yield from every(wrong, seen, "answers in the caller's trace")


@gateway("TRC-002", title="A malformed traceparent begins a new trace", scenarios=("traces",))
def new_trace(t: Transcript) -> Iterator[Outcome]:
    """Four malformed ones, and none."""
    good(t, "traces", "good")
    odd = [e for e in t.all("traces") if e.label.startswith("bad:") or e.label == "none"]
    for seen in odd:
        began = ok(seen) and trace_of(seen) is not None
        words = f"{seen.label}: {said(seen)}, traceparent {seen.header('traceparent')}"
        yield holds(began, "a new trace", words, seen)


@gateway("TRC-003", title="Orders and holds remember their trace", scenarios=("traces",))
def remembered(t: Transcript) -> Iterator[Outcome]:
    """trace_id in the answer, and when it is read again."""
    hold = good(t, "traces", "hold")
    for seen, made in (
        (hold, hold),
        (good(t, "traces", "order"),) * 2,
        (t.one("traces", "hold again"), hold),
    ):
        sent = trace_id(made.request.header("traceparent"))
        told = seen.answer.get("trace_id")
        yield holds(told == sent, "the trace that made it", f"{seen.label}: trace_id {told}", seen)


@gateway("TRC-005", title="Every answer has a request id of its own", scenarios=("traces", "sale"))
def request_ids(t: Transcript) -> Iterator[Outcome]:
    """VGCP-Request-Id of every answer."""
    wrong, used = [], set()
    seen = [e for e in answers(t) if e.operation]
    for exchange in seen:
        name = exchange.header("vgcp-request-id")
        if not name or name in used:
            wrong.append((exchange, f"VGCP-Request-Id is {name!r}" + (", used before" if name else "")))
        used.add(name)
    yield from every(wrong, len(seen), "request ids, all different")
