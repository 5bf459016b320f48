"""What a channel does when the gateway is busy or says no (spec/text/conventions.md)."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.judges.channel_reading import asked, bought, holding, pauses
from conformance.model import Outcome, check, failed, holds, inconclusive, passed, unverified
from conformance.timing import EARLY, UNSTEADY
from conformance.transcript import Exchange, Transcript

MOST_TRIES = 20


@check(
    "ERR-011",
    role="channel",
    scenarios=("refused_order", "sold_out", "price_before_hold", "busy_order"),
    title="What is refused for good is not tried again unchanged",
)
def takes_no_for_an_answer(t: Transcript) -> Iterator[Outcome]:
    """After a problem with retryable false no equal request follows."""
    refusals = [
        e
        for e in t.all(direction="received")
        if e.problem and e.answer.get("retryable") is False and e.status != 401
    ]
    if not refusals:
        yield unverified("nothing was refused for good")
        return
    yield passed(f"{len(refusals)} refusals taken", *refusals[:5])
    for refusal in refusals:
        again = [e for e in t.all(direction="received") if e.number > refusal.number and _equal(e, refusal)]
        if again:
            yield failed(f"{refusal.operation} sent again after {refusal.problem}", refusal, *again[:3])


def _equal(one: Exchange, other: Exchange) -> bool:
    return (one.operation, one.label, one.request.url) == (
        other.operation,
        other.label,
        other.request.url,
    ) and (one.request.body == other.request.body)


@check(
    "LIM-003",
    role="channel",
    scenarios=("busy_order", "limited_order"),
    title="Retry-After is honoured",
)
def honours_retry_after(t: Transcript) -> Iterator[Outcome]:
    """After 503 with one second and 429 with two the next try comes no earlier."""
    for scenario, seconds in (("busy_order", 1), ("limited_order", 2)):
        tries = asked(t, scenario, "create_order")
        if not tries or not tries[0].problem:
            yield unverified(f"{scenario}: no order was asked for")
        elif len(tries) < 2:
            yield unverified(f"{scenario}: the order was not tried again", *tries)
        else:
            waited = pauses(tries)[0]
            late = waited >= seconds - EARLY
            yield holds(
                late, f"waited {waited:.1f} s", f"waited {waited:.2f} s, asked for {seconds}", *tries[:2]
            )


@check(
    "LIM-004",
    role="channel",
    scenarios=("busy_order",),
    title="A request answered by 503 is tried again",
)
def tries_again(t: Transcript) -> Iterator[Outcome]:
    """The order was answered by 503 once, and the buyer gets the goods in the end."""
    tries = asked(t, "busy_order", "create_order")
    if not tries:
        yield unverified("no order was asked for")
        return
    yield holds(len(tries) > 1, "tried again", "given up after one 503", *tries)
    if len(tries) > 1:
        yield passed("and it came to a good end", bought(t, "busy_order", "bought"))


@check(
    "LIM-004",
    suffix="b",
    role="channel",
    scenarios=("busy_hold",),
    title="The pauses between tries grow",
)
def pauses_grow(t: Transcript) -> Iterator[Outcome]:
    """Four times 503: the last pause is clearly longer than the shortest before it."""
    tries = holding(t, "busy_hold")
    waited = pauses(tries)
    if not tries:
        yield unverified("nothing was asked for")
        return
    if len(waited) < 2:
        yield failed(f"given up after {len(tries)} tries", *tries)
        return
    shown = ", ".join(f"{each:.2f}" for each in waited)
    least, lag = min(waited[:-1]), t.fact("busy_hold", "lag")
    good = waited[-1] > 1.5 * least
    if not good and lag > UNSTEADY and waited[-1] > 1.5 * (least - lag):
        yield inconclusive(f"pauses of {shown} s, but the suite itself was {lag} s late at times", *tries)
        return
    yield holds(good, f"pauses of {shown} s", f"pauses of {shown} s do not grow", *tries)


@check(
    "LIM-004",
    suffix="c",
    role="channel",
    scenarios=("busy_for_good", "busy_hold"),
    title="The tries are bounded",
)
def tries_are_bounded(t: Transcript) -> Iterator[Outcome]:
    """The gateway never answers otherwise than by 503: the channel gives up, at least for now."""
    tries = holding(t, "busy_for_good")
    if len(tries) < 2:
        yield unverified("nothing was tried again", *tries)
        return
    good = len(tries) <= MOST_TRIES
    yield holds(good, f"{len(tries)} tries", f"{len(tries)} tries within one press", *tries[:5])
