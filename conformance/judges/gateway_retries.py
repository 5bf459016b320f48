"""Judges of the tries of an event that the channel refuses: how often, after which pauses, under which id."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from typing import Any

from conformance.judges.gateway_evidence import ok, tries
from conformance.model import MissingError, Outcome, check, failed, holds, inconclusive
from conformance.timing import COARSE, GROWTH, UNSTEADY
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway", capability="events")
RETRIED = ("events_retried", "events_retried_late")


def _story(t: Transcript) -> str:
    """The scenario in which the tries were measured."""
    return RETRIED[0] if t.fact(RETRIED[0], "measured") else RETRIED[1]


def _tries(t: Transcript) -> list[list[Exchange]]:
    """The tries of each event in that scenario; those after its end are others', who move the clock."""
    found: dict[tuple[Any, ...], list[Exchange]] = {}
    over = max(e.ended for e in t.all(_story(t), direction="sent"))
    for e in tries(t, _story(t)):
        if e.started <= over:
            name = tuple(e.asked.get(member) for member in ("type", "subject", "revision"))
            found.setdefault(name, []).append(e)
    return list(found.values())


def _pauses(t: Transcript, seen: list[Exchange]) -> list[float]:
    """Seconds between the tries, as the sandbox's clock has it."""
    moved = t.facts.get((_story(t), "moved"), [])
    ahead = [max((total for at, total in moved if at <= e.started), default=0) for e in seen]
    times = [e.started + seconds for e, seconds in zip(seen, ahead, strict=True)]
    return [after - before for before, after in itertools.pairwise(times)]


def _retried(t: Transcript) -> list[Exchange]:
    """The tries of order.updated among them."""
    about = ("order.updated", t.fact(_story(t), "order"))
    mine = [one for one in _tries(t) if (one[0].asked.get("type"), one[0].asked.get("subject")) == about]
    if not mine:
        raise MissingError("the event was not posted even once")
    return mine[0]


@gateway("EVT-007", title="Tried again with growing pauses until taken", scenarios=RETRIED)
def tried_again(t: Transcript) -> Iterator[Outcome]:
    """Three times 503, then taken. A busy machine adds to pauses, so the least of all events' are compared."""
    seen, late = _retried(t), _story(t) == RETRIED[1]
    # the clock was then moved faster than anyone could post
    busy = late and t.fact(RETRIED[1], "lag") > UNSTEADY
    if not ok(seen[-1]):
        words = f"given up after {len(seen)} tries, none of them taken"
        yield inconclusive(words, *seen) if busy else failed(words, *seen)
        return
    ladders = [_pauses(t, one) for one in _tries(t)]
    least = [min(step) for step in zip(*(one[:3] for one in ladders if len(one) >= 3), strict=True)]
    shown = ", ".join(f"{p:.2f} s" for p in least)
    growing = bool(least) and least[2] > least[0] * GROWTH
    if least and not growing and late and (busy or least[2] < COARSE):
        yield inconclusive(f"measured too coarsely to compare pauses of {shown}", *seen)
        return
    yield holds(growing, f"tried again after {shown}", f"the pauses do not grow: {shown}", *seen)


@gateway("EVT-008", title="The same event id on every try", scenarios=RETRIED)
def same_id(t: Transcript) -> Iterator[Outcome]:
    """In the body, and in webhook-id."""
    seen = _retried(t)
    if len(seen) < 2:
        raise MissingError("there was only one try")
    names = {e.asked.get("id") for e in seen} | {e.request.header("webhook-id") for e in seen}
    yield holds(len(names) == 1, "one id on every try", f"{len(names)} ids for one event", *seen)
