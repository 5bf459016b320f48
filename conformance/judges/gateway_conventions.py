"""Judges of conventions.md: data, problems, limits."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.judges.gateway_evidence import (
    answers,
    dig,
    every,
    good,
    is_problem,
    items,
    moved,
    ok,
    refusal,
    said,
    spoken,
    trace_of,
    walk,
)
from conformance.model import Outcome, check, failed, holds, inconclusive, passed, unverified
from conformance.transcript import Exchange, Transcript
from conformance.wire import problem_errors

gateway = partial(check, role="gateway")
TIMES = ("_at", "now")
QUIET = ("sale", "pending", "feed")  # scenarios enough for what is looked for in every answer


@gateway("CNV-001", title="Unknown members are ignored", scenarios=("unknown_members",))
def unknown_ignored(t: Transcript) -> Iterator[Outcome]:
    """A hold and an order with members of a later version."""
    for label in ("hold", "order"):
        good(t, "unknown_members", label)
        seen = t.one("unknown_members", f"{label} with unknown")
        yield holds(ok(seen), "ignored", f"{label} with unknown members: {said(seen)}", seen)


@gateway("CNV-002", title="Unknown enum values are one more value", scenarios=("unknown_reasons",))
def unknown_values(t: Transcript) -> Iterator[Outcome]:
    """A refund and a dispute for reasons that the standard does not have yet."""
    for what in ("refund", "dispute"):
        good(t, "unknown_reasons", f"{what} for known reason")
        seen = t.one("unknown_reasons", f"{what} for unknown reason")
        yield holds(ok(seen), "taken", f"{what} for an unknown reason: {said(seen)}", seen)


@gateway("CNV-003", title="Money is integer minor units", scenarios=QUIET)
def money(t: Transcript) -> Iterator[Outcome]:
    """Every amount and currency in every answer and event."""
    wrong, seen = [], 0
    for exchange, body in spoken(t):
        for path, value in walk(body):
            if isinstance(value, dict) and "amount" in value and "currency" in value:
                seen += 1
                amount, currency = value["amount"], str(value["currency"])
                whole = isinstance(amount, int) and not isinstance(amount, bool)
                if not (whole and len(currency) == 3 and currency.isupper()):
                    wrong.append((exchange, f"{path} is {amount!r} {currency}"))
    yield from every(wrong, seen, "amounts in minor units")


@gateway("CNV-004", title="Times are RFC 3339 in UTC, ending in Z", scenarios=QUIET)
def times(t: Transcript) -> Iterator[Outcome]:
    """Every member whose name ends in _at."""
    wrong, seen = [], 0
    for exchange, body in spoken(t):
        for path, value in walk(body):
            if path.endswith("_at") and isinstance(value, str) and "buyer_input" not in path:
                seen += 1
                if not (value.endswith("Z") and value[10:11] == "T"):
                    wrong.append((exchange, f"{path} is {value}"))
    yield from every(wrong, seen, "times in UTC")


@gateway("CNV-005", title="Following the cursors gives each item once", scenarios=("pages",))
def each_once(t: Transcript) -> Iterator[Outcome]:
    """Seven orders and seven holds, in pages of two and of three."""
    for kind, name in (("order", "orders"), ("hold", "holds")):
        made = [t.fact("pages", f"{kind} {n}") for n in range(7)]
        if None in made:
            yield unverified(f"not every {kind} was made")
            continue
        for limit in (2, 3):
            good(t, "pages", f"{name} by {limit}")
            pages = t.all("pages", label=f"{name} by {limit}")
            found = [one.get("id") for page in pages for one in items(page)]
            most = max(len(items(page)) for page in pages)
            right = sorted(map(str, found)) == sorted(map(str, made)) and most <= limit
            words = f"{name} by {limit}: {len(found)} items for {len(made)}, at most {most} in a page"
            yield holds(right, "each once", words, *pages)


@gateway("CNV-006", title="A cursor of another list is refused", scenarios=("pages",))
def cursors(t: Transcript) -> Iterator[Outcome]:
    """Made up, and issued for another list."""
    yield from refusal(t, "pages", "made-up cursor", "cursor_invalid", "second page")
    yield from refusal(t, "pages", "another list's cursor", "cursor_invalid", "second page")


@gateway("CNV-007", title="Nothing is null", scenarios=QUIET)
def no_null(t: Transcript) -> Iterator[Outcome]:
    """Every member of every answer and event."""
    wrong, seen = [], 0
    for exchange, body in spoken(t):
        seen += 1
        nulls = [path for path, value in walk(body) if value is None and path and "buyer_input" not in path]
        wrong += [(exchange, f"{path} is null") for path in nulls[:1]]
    yield from every(wrong, seen, "answers without null")


@gateway(
    "ERR-001", title="Every error is a problem document of the catalogue", scenarios=("bad_requests", "paths")
)
def problems(t: Transcript) -> Iterator[Outcome]:
    """Every answer with a status from 400 on."""
    errors = [e for e in answers(t) if e.status >= 400]
    wrong = [(e, f"{e.label}: {text}") for e in errors for text in list(problem_errors(e))[:1]]
    yield from every(wrong, len(errors), "proper problems")


@gateway("ERR-002", title="Bad fields are named", scenarios=("bad_requests",))
def fields_named(t: Transcript) -> Iterator[Outcome]:
    """By pointer in the body, by name in the query."""
    good(t, "bad_requests", "right")
    for label, pointer in (("zero quantity", "/quantity"), ("bad buyer", "/buyer/reference")):
        seen = t.one("bad_requests", label)
        named = [dig(one, "pointer") for one in _errors(seen)]
        right = is_problem(seen, "invalid") and pointer in named
        yield holds(right, f"{pointer} is named", f"{label}: {said(seen)} naming {named}", seen)
    good(t, "bad_requests", "limit 5")
    for label in ("limit 0", "limit x"):
        seen = t.one("bad_requests", label)
        named = [dig(one, "name") for one in _errors(seen)]
        right = is_problem(seen, "invalid") and "limit" in named
        yield holds(right, "the parameter is named", f"{label}: {said(seen)} naming {named}", seen)


def _errors(exchange: Exchange) -> list[object]:
    found = exchange.answer.get("errors")
    return found if isinstance(found, list) else []


@gateway("ERR-003", title="A body that is no JSON is malformed", scenarios=("bad_requests",))
def malformed(t: Transcript) -> Iterator[Outcome]:
    """Cut off, and no JSON at all."""
    for label in ("cut off", "not JSON"):
        yield from refusal(t, "bad_requests", label, "malformed", "right")


@gateway("ERR-004", title="Another media type is refused", scenarios=("bad_requests",))
def media_type(t: Transcript) -> Iterator[Outcome]:
    """The same body as text/plain."""
    yield from refusal(t, "bad_requests", "text", "media_type_unsupported", "right")


@gateway("ERR-005", title="A body above the limit is refused", scenarios=("sizes",))
def too_large(t: Transcript) -> Iterator[Outcome]:
    """60 KiB are served; somewhere up to 16 MiB it is too much."""
    small = t.one("sizes", "60 KiB")
    yield holds(ok(small), "60 KiB are served", f"60 KiB: {said(small)}", small)
    large = [e for e in t.all("sizes") if e.label.endswith("MiB")]
    if not large:
        return
    last = large[-1]
    if last.error:
        yield inconclusive(f"{last.label}: {last.error}", last)
    else:
        words = f"{last.label}: {said(last)}"
        yield holds(is_problem(last, "body_too_large"), "too large is refused", words, small, last)


@gateway("ERR-006", title="An unknown path is not found", scenarios=("paths",))
def unknown_path(t: Transcript) -> Iterator[Outcome]:
    """Below the API's base and beside it."""
    good(t, "paths", "known path")
    for label in ("unknown path", "unknown path outside"):
        seen = t.one("paths", label)
        yield holds(is_problem(seen, "not_found"), "not found", f"{label}: {said(seen)}", seen)


@gateway("ERR-007", title="An unknown method is refused with Allow", scenarios=("paths",))
def unknown_method(t: Transcript) -> Iterator[Outcome]:
    """PATCH on orders, DELETE on offers."""
    good(t, "paths", "known path")
    for label, method in (("patch orders", "GET"), ("delete offers", "GET")):
        seen = t.one("paths", label)
        allow = seen.header("allow") or ""
        right = is_problem(seen, "method_not_allowed") and method in allow
        yield holds(right, "refused with Allow", f"{label}: {said(seen)}, Allow: {allow!r}", seen)


@gateway("ERR-008", title="A problem names the answer's trace", scenarios=("bad_requests", "paths"))
def problem_trace(t: Transcript) -> Iterator[Outcome]:
    """trace_id and traceparent of every problem."""
    errors = [e for e in answers(t) if e.problem]
    wrong = [
        (e, "trace_id is not that of traceparent") for e in errors if e.answer.get("trace_id") != trace_of(e)
    ]
    yield from every(wrong, len(errors), "problems with their trace")


@gateway("ERR-009", title="A refusal changes nothing", scenarios=("refusals",))
def refusal_changes_nothing(t: Transcript) -> Iterator[Outcome]:
    """The books before and after three refused orders."""
    refused = [t.one("refusals", label) for label in ("wrong price", "wrong currency", "wrong region")]
    if not all(400 <= e.status < 500 for e in refused):
        yield unverified("an order that should be refused was not", *refused)
        return
    yield moved(t, "refusals", "stock before refusals", "stock after refusals")


@gateway("LIM-001", title="Too many requests are refused with Retry-After", scenarios=("rate",))
def rate_limited(t: Transcript) -> Iterator[Outcome]:
    """Six a minute allowed; another client is served meanwhile."""
    good(t, "rate", "ask 0")
    seen = [e for e in t.all("rate") if e.label.startswith("ask ")]
    last = seen[-1]
    wait = last.header("retry-after") or ""
    right = is_problem(last, "rate_limited") and wait.isdigit()
    yield holds(right, f"refused after {len(seen) - 1}", f"request {len(seen)}: {said(last)}, {wait=}", last)
    other = t.one("rate", "another client")
    yield holds(ok(other), "another client is served", f"another client: {said(other)}", other)


@gateway("LIM-002", title="RateLimit headers tell the quota", scenarios=("sale",))
def quota_headers(t: Transcript) -> Iterator[Outcome]:
    """On a success to an authenticated client."""
    seen = good(t, "sale", "order")
    missing = [name for name in ("RateLimit", "RateLimit-Policy") if not seen.header(name)]
    yield holds(not missing, "both headers", f"missing: {', '.join(missing)}", seen)


@gateway("LIM-005", title="Every 503 says when to come back", scenarios=("unavailable",))
def retry_after(t: Transcript) -> Iterator[Outcome]:
    """The one that test control asks for, and any other."""
    well, failing = t.one("unavailable", "well again 0"), t.one("unavailable", "failing 503")
    if not is_problem(failing, "unavailable") or not ok(well):
        yield unverified(f"test control made no 503: {said(failing)}, then {said(well)}", failing, well)
        return
    for seen in answers(t):
        if seen.status == 503 and not seen.header("retry-after"):
            yield failed("a 503 without Retry-After", seen)
    if failing.header("retry-after"):
        yield passed("a 503 has Retry-After", failing)
