"""Judges of orders.md that follow every order through the whole transcript: states, totals, revisions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache, partial

import spec
from conformance.judges.gateway_evidence import Json, dig, every, is_problem, said, spoken, walk
from conformance.model import Outcome, check
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway")


@cache
def _reachable(start: str) -> frozenset[str]:
    table = spec.transitions().table
    seen, ahead = {start}, [start]
    while ahead:
        state = ahead.pop()
        for (origin, _), to in table.items():
            if origin == state and to not in seen:
                seen.add(to)
                ahead.append(to)
    return frozenset(seen)


def _orders(t: Transcript) -> dict[str, list[tuple[Exchange, Json]]]:
    """Every snapshot of every order in answers, in the order in which they were asked for."""
    found: dict[str, list[tuple[Exchange, Json]]] = {}
    for exchange, body in spoken(t):
        current = exchange.direction == "sent" and exchange.operation != "list_events"
        if current and not exchange.header("idempotency-replayed"):
            for _, value in walk(body):
                if isinstance(value, dict) and "lines" in value and "payment" in value and "total" in value:
                    found.setdefault(str(value.get("id")), []).append((exchange, value))
    return found


@gateway(
    "ORD-019", title="States change along the transition table only", scenarios=("pending", "order_expires")
)
def along_the_table(t: Transcript) -> Iterator[Outcome]:
    """Every later snapshot of an order is in a state that the table leads to; ended orders refuse to be cancelled."""
    wrong, seen = [], 0
    for snapshots in _orders(t).values():
        for (_, was), (exchange, now) in itertools.pairwise(snapshots):
            seen += 1
            before, after = str(was.get("status")), str(now.get("status"))
            if after not in _reachable(before):
                wrong.append((exchange, f"an order went from {before} to {after}"))
    for late in t.all("order_expires", label="cancelled too late"):
        if not is_problem(late, "transition_not_allowed"):
            wrong.append((late, f"cancelling an ended order: {said(late)}"))
    yield from every(wrong, seen, "states follow the table")


@gateway("ORD-021", title="Totals are sums without rounding", scenarios=("refused_lines", "sale"))
def totals(t: Transcript) -> Iterator[Outcome]:
    """In every order: line totals, and their sum."""
    wrong, seen = [], 0
    for snapshots in _orders(t).values():
        for exchange, order in snapshots:
            seen += 1
            if not _adds_up(order):
                wrong.append(
                    (exchange, f"the total {dig(order, 'total', 'amount')} is not the sum of the lines")
                )
    yield from every(wrong, seen, "totals add up")


def _adds_up(order: Json) -> bool:
    total = 0
    for line in order.get("lines") or []:
        price, count, amount = (
            dig(line, "unit_price", "amount"),
            dig(line, "quantity"),
            dig(line, "total", "amount"),
        )
        if not all(isinstance(n, int) for n in (price, count, amount)) or price * count != amount:
            return False
        total += amount
    return bool(total == dig(order, "total", "amount"))


@gateway("ORD-023", title="Every change raises the order's revision", scenarios=("pending", "order_expires"))
def revisions(t: Transcript) -> Iterator[Outcome]:
    """A snapshot in another state has a higher revision."""
    wrong, seen = [], 0
    for snapshots in _orders(t).values():
        for (_, was), (exchange, now) in itertools.pairwise(snapshots):
            before, after = was.get("revision"), now.get("revision")
            numbers = isinstance(before, int) and isinstance(after, int)
            if was.get("status") == now.get("status"):
                continue
            seen += 1
            if not numbers or after <= before:  # type: ignore[operator]
                wrong.append((exchange, f"{was.get('status')} r{before}, then {now.get('status')} r{after}"))
    yield from every(wrong, seen, "revisions rise")
