"""How a channel speaks to its gateway: tokens, keys, traces, schemas (spec/text/auth.md, conventions.md)."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator

from conformance.judges.channel_reading import FIRST, asked, bought, holding, keys
from conformance.model import Outcome, check, failed, holds, passed, unverified
from conformance.transcript import Exchange, Transcript
from conformance.wire import operation_of, their_violations

TRACEPARENT = re.compile(r"^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$")


def _bearer(exchange: Exchange) -> str:
    return exchange.request.header("authorization") or ""


@check(
    "AUT-014",
    role="channel",
    scenarios=("expired_token",),
    title="A new token is fetched after 401, and the request sent again",
)
def refreshes_token(t: Transcript) -> Iterator[Outcome]:
    """The order was refused with 401 once; it comes again with another token and the same key."""
    tries = asked(t, "expired_token", "create_order")
    if not tries or tries[0].problem != "unauthenticated":
        yield unverified("the order was never asked for, so no token was refused")
        return
    if len(tries) < 2:
        yield failed("not sent again after 401", *tries)
        return
    yield holds(_bearer(tries[1]) != _bearer(tries[0]), "a new token", "the same token again", *tries)
    yield holds(len(keys(tries)) == 1, "the same key", "sent again under another key", *tries)


@check(
    "AUT-014",
    suffix="b",
    role="channel",
    scenarios=("refused_tokens", "buy"),
    title="A request whose new token is refused as well is not sent a third time",
)
def refreshes_once(t: Transcript) -> Iterator[Outcome]:
    """Every token is refused: two tries at most."""
    twin, tries = bought(t, "buy", "bought"), holding(t, "refused_tokens")
    if not tries:
        yield unverified("the hold was never asked for", twin)
        return
    yield holds(
        len(tries) <= 2,
        f"{len(tries)} tries",
        f"{len(tries)} tries though every token was refused",
        *tries[:5],
    )


@check(
    "AUT-015",
    role="channel",
    scenarios=("buy", "two_buyers", "double_press", "odd_goods"),
    title="An access token is used again",
)
def reuses_token(t: Transcript) -> Iterator[Outcome]:
    """Far fewer tokens are fetched than requests are made."""
    bought(t, "buy", "bought")
    fetched = t.all(operation="issue_token", label=FIRST)
    used = t.all(label=FIRST, direction="received", where=lambda e: bool(_bearer(e)))
    refused = [e for e in used if e.status == 401]
    good = len(fetched) <= 1 + len(refused) + len(used) / 5
    yield holds(
        good,
        f"{len(fetched)} tokens for {len(used)} requests",
        f"{len(fetched)} tokens fetched for {len(used)} requests",
        *fetched[:5],
    )


@check(
    "IDM-008",
    role="channel",
    scenarios=("busy_order", "limited_order", "busy_hold", "double_press"),
    title="One key for each buyer intent, and the same key on every retry",
)
def same_key_on_retry(t: Transcript) -> Iterator[Outcome]:
    """Where the gateway was busy, the retry carries the key of the first try; another intent has another."""
    stories = {
        "busy_order": asked(t, "busy_order", "create_order"),
        "limited_order": asked(t, "limited_order", "create_order"),
        "busy_hold": holding(t, "busy_hold"),
    }
    for scenario, tries in stories.items():
        if len(tries) < 2:
            yield unverified(f"{scenario}: nothing was tried again", *tries)
        else:
            bad = f"{len(keys(tries))} keys for one {tries[0].operation}"
            yield holds(len(keys(tries)) == 1, "the same key", bad, *tries)
    pressed = asked(t, "double_press", "create_order")
    for reference in {str(e.asked.get("reference")) for e in pressed}:
        one = [e for e in pressed if e.asked.get("reference") == reference]
        yield holds(len(keys(one)) == 1, "one key", "two keys for one order", *one)
    apart = keys(stories["busy_order"]) & keys(stories["limited_order"])
    yield holds(not apart, "a key of its own", "two intents share a key")


@check(
    "IDM-009",
    role="channel",
    scenarios=("buy", "two_buyers", "busy_order", "limited_order", "busy_hold", "lost_answer"),
    title="One key is never sent with two different requests",
)
def key_for_one_request(t: Transcript) -> Iterator[Outcome]:
    """All requests of one operation under one key are equal."""
    bought(t, "buy", "bought")
    bodies: dict[tuple[str, str, str], dict[str, Exchange]] = defaultdict(dict)
    again = 0
    for e in t.all(direction="received"):
        key = e.request.header("idempotency-key")
        if key:
            content = json.dumps(e.asked, sort_keys=True) + e.request.url
            again += content in bodies[e.label, e.operation, key]
            bodies[e.label, e.operation, key].setdefault(content, e)
    mixed = [list(found.values()) for found in bodies.values() if len(found) > 1]
    for pair in mixed:
        yield failed(f"one key for two different {pair[0].operation} requests", *pair)
    if again and not mixed:
        yield passed(f"{again} retries, each equal to its first try")


@check(
    "TRC-006",
    role="channel",
    scenarios=("buy", "two_buyers"),
    title="traceparent is sent with every request to the gateway",
)
def sends_traceparent(t: Transcript) -> Iterator[Outcome]:
    """Every request whose operation takes a traceparent has a well-formed one."""
    bought(t, "buy", "bought")
    traced = [e for e in t.all(direction="received") if _takes_trace(e)]
    without = [e for e in traced if not TRACEPARENT.match(e.request.header("traceparent") or "")]
    for operation in sorted({e.operation for e in without}):
        example = next(e for e in without if e.operation == operation)
        yield failed(f"{operation} without a well-formed traceparent", example)
    if traced:
        yield passed(f"{len(traced)} requests", *traced[:3])


def _takes_trace(exchange: Exchange) -> bool:
    operation = operation_of(exchange)
    return operation is not None and any(p["name"] == "traceparent" for p in operation.parameters)


@check(
    "TRC-007",
    role="channel",
    scenarios=("buy", "unpaid"),
    title="One trace id for all requests of one purchase",
)
def one_trace(t: Transcript) -> Iterator[Outcome]:
    """Hold, order, deliveries and reveals of one purchase are one trace."""
    bought(t, "buy", "bought")
    made = [e for e in asked(t, "buy") if e.operation and e.operation != "get_offer" and _takes_trace(e)]
    found = [TRACEPARENT.match(e.request.header("traceparent") or "") for e in made]
    traces = {match.group(1) for match in found if match}
    if len(made) < 2:
        yield unverified("fewer than two requests", *made)
        return
    yield holds(
        len(traces) == 1,
        f"{len(made)} requests in one trace",
        f"{len(traces)} traces for one purchase",
        *made,
    )


@check(
    "CNV-009",
    role="channel",
    scenarios=("buy", "test_control", "log"),
    title="Requests and answers fit the schemas",
)
def fits_schemas(t: Transcript) -> Iterator[Outcome]:
    """All that the channel sent, error answers apart (those are ERR-010)."""
    wrong = [v for v in their_violations(t) if v.part == "request" or v.exchange.status < 400]
    wrong = [v for v in wrong if v.exchange.operation != "channel:get_discovery"]
    for violation in wrong[:10]:
        operation = violation.exchange.operation.removeprefix("channel:")
        yield failed(f"{operation} {violation.part}: {violation.message}", violation.exchange)
    if not wrong:
        yield passed(f"{len(t.exchanges)} exchanges", bought(t, "buy", "bought"))
