"""How the gateway's judges read a transcript. Nothing here trusts the shape of what was answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any

import spec
from conformance.model import MissingError, Outcome, failed, holds, passed, unverified
from conformance.transcript import Exchange, Transcript

Json = dict[str, Any]
OPENING = "discovery"  # the scene in which the session is opened


def ok(exchange: Exchange) -> bool:
    """Whether it was answered with success."""
    return 200 <= exchange.status < 300


def dig(value: Any, *path: str | int) -> Any:
    """The value at this path, None where there is none."""
    for part in path:
        if isinstance(value, dict) and isinstance(part, str):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and -len(value) <= part < len(value):
            value = value[part]
        else:
            return None
    return value


def items(exchange: Exchange) -> list[Json]:
    """The objects of a page."""
    found = exchange.answer.get("items")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def said(exchange: Exchange) -> str:
    """The answer in a word or two."""
    return exchange.error or f"{exchange.status} {exchange.problem}".strip()


def is_problem(exchange: Exchange, *codes: str) -> bool:
    """Whether it was refused with one of these codes, under the status of the catalogue."""
    code = exchange.problem
    return code in codes and spec.problems()[code].status == exchange.status


def good(t: Transcript, scenario: str, label: str, **more: Any) -> Exchange:
    """The first exchange of the label; raises MissingError when it is not there or no success."""
    seen = t.one(scenario, label, **more)
    if not ok(seen):
        raise MissingError(f"{label} was answered by {said(seen)}")
    return seen


def refusal(t: Transcript, scenario: str, bad: str, code: str, twin: str) -> Iterator[Outcome]:
    """`bad` must have been refused with the code, and its accepted near-twin been served."""
    accepted, refused = t.one(scenario, twin), t.one(scenario, bad)
    if not ok(accepted):
        yield unverified(f"the near-twin ({twin}) was answered by {said(accepted)}", accepted, refused)
        return
    good_words = f"{bad}: refused with {code}"
    yield holds(
        is_problem(refused, code), good_words, f"{bad}: {said(refused)}, not {code}", accepted, refused
    )


STOCK = ("received", "available", "reserved", "allotted", "sold", "voided")


def stock(t: Transcript, scenario: str, label: str, last: bool = False) -> tuple[Exchange, dict[str, int]]:
    """The books under a label (the first reading, or the last); raises MissingError when they are none."""
    seen = t.all(scenario, label=label, operation="test_get_stock") or [t.one(scenario, label)]
    chosen = seen[-1] if last else seen[0]
    return chosen, numbers(chosen)


def numbers(exchange: Exchange) -> dict[str, int]:
    """The books in an answer; raises MissingError when they are none."""
    found = {"allotted": 0} | {name: exchange.answer.get(name) for name in STOCK if name in exchange.answer}
    if not ok(exchange) or not all(isinstance(found.get(n), int) for n in STOCK):
        raise MissingError(f"no books: {said(exchange)}")
    return {name: int(n) for name, n in found.items() if isinstance(n, int)}


def moved(t: Transcript, scenario: str, before: str, after: str, **changes: int) -> Outcome:
    """The books must have changed by exactly this between two readings (the last ones of each label)."""
    first, was = stock(t, scenario, before, last=True)
    second, now = stock(t, scenario, after, last=True)
    real = {name: now[name] - was[name] for name in STOCK if now[name] != was[name]}
    wanted = {name: n for name, n in changes.items() if n}
    words = ", ".join(f"{n} {v:+d}" for n, v in wanted.items()) or "unchanged"
    shown = ", ".join(f"{n} {v:+d}" for n, v in real.items()) or "unchanged"
    return holds(real == wanted, f"{after}: {words}", f"{after}: {shown}, expected {words}", first, second)


def on_sale(t: Transcript, scenario: str, before: str, after: str, change: int) -> Outcome:
    """What is available must have changed by this; under which heading the rest stands is left to the gateway."""
    first, was = stock(t, scenario, before, last=True)
    second, now = stock(t, scenario, after, last=True)
    real = (now["available"] - was["available"], now["received"] - was["received"])
    bad = f"{after}: available {real[0]:+d}, received {real[1]:+d}, expected available {change:+d} only"
    return holds(real == (change, 0), f"{after}: available {change:+d}", bad, first, second)


def moment(value: Any) -> float | None:
    """A timestamp of the wire in seconds since 1970, None when it is none."""
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except ValueError:
        return None


def trace_of(exchange: Exchange) -> str | None:
    """The trace id of the answer's traceparent, None when that is malformed."""
    return trace_id(exchange.header("traceparent"))


def trace_id(traceparent: Any) -> str | None:
    """The trace id of a well-formed traceparent."""
    parts = str(traceparent or "").split("-")
    sizes = [len(part) for part in parts[:4]]
    proper = sizes == [2, 32, 16, 2] and all(set(p) <= set("0123456789abcdef") for p in parts[:4])
    return parts[1] if proper and set(parts[1]) != {"0"} and set(parts[2]) != {"0"} else None


def answers(t: Transcript) -> list[Exchange]:
    """Everything the gateway answered in scenarios: what opens the session alone shows nothing."""
    return [e for e in t.all(direction="sent") if e.response is not None and e.scenario != OPENING]


def tries(t: Transcript, scenario: str, label: str = "") -> list[Exchange]:
    """Every try to post an event that came in."""
    return t.all(scenario, direction="received", label=label or None)


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value inside, with its JSON Pointer."""
    yield path, value
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inside:
        yield from walk(part, f"{path}/{name}")


@lru_cache(4096)
def parsed(body: bytes) -> Any:
    """The body as JSON, None when it is none. Parsed once for all judges, which do not change it."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def spoken(t: Transcript) -> Iterator[tuple[Exchange, Any]]:
    """Every JSON that the gateway sent: answers and events."""
    for exchange in t.all():
        theirs = exchange.response if exchange.direction == "sent" else exchange.request
        if theirs is not None and theirs.body and exchange.scenario != OPENING:
            yield exchange, parsed(theirs.body)


def every(found: list[tuple[Exchange, str]], seen: int, good_words: str) -> Iterator[Outcome]:
    """One outcome for many: the first five that do not hold, or that all `seen` do."""
    for exchange, words in found[:5]:
        yield failed(words, exchange)
    if seen and not found:
        yield passed(f"{good_words} ({seen} seen)")
