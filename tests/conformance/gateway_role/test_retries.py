"""What the judge of an event's tries makes of pauses, told by transcripts that were not driven."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from conformance.judges.gateway_retries import tried_again
from conformance.model import Verdict
from conformance.transcript import Exchange, Message, Transcript

EVENT = json.dumps({"type": "order.updated", "subject": "order-1", "revision": 2, "id": "e"}).encode()


def told(times: Sequence[float], *, taken: bool = True, lag: float | None = None) -> Verdict:
    """The verdict of tries that came in at these seconds; with `lag`, while the sandbox's clock was moved."""
    t = Transcript({"role": "gateway", "profile": ""})
    t.note("measured", lag is None, "events_retried")
    story = "events_retried" if lag is None else "events_retried_late"
    for key, value in {"order": "order-1", "lag": lag}.items():
        t.note(key, value, story)
    for at in times:
        status = 204 if taken and at == times[-1] else 503
        asked, answer = Message((), EVENT, method="POST", url="u"), Message((), b"", status=status)
        t.record(Exchange(t.number(), story, "", "received", "send_event", asked, answer, at, at))
    last = Message((), b"", method="GET", url="u")
    t.record(Exchange(t.number(), story, "feed", "sent", "list_events", last, last, 100, 101))
    (outcome,) = tried_again(t)
    return outcome.verdict


@pytest.mark.parametrize(
    ("times", "taken", "lag", "verdict"),
    [
        ([0, 1, 3, 7], True, None, Verdict.PASS),
        ([0, 3, 6, 9], True, None, Verdict.FAIL),
        ([0, 1, 3], False, None, Verdict.FAIL),
        ([0, 4, 12, 28], True, 0.0, Verdict.PASS),
        ([0, 3, 6, 9], True, 0.0, Verdict.FAIL),
        ([0, 1, 2, 3], True, 0.0, Verdict.INCONCLUSIVE),
        ([0, 3, 6, 9], True, 1.0, Verdict.INCONCLUSIVE),
        ([0, 1, 3], False, 0.0, Verdict.FAIL),
        ([0, 1, 3], False, 1.0, Verdict.INCONCLUSIVE),
    ],
)
def test_pauses(times: list[float], taken: bool, lag: float | None, verdict: Verdict) -> None:
    """EVT-007: growing, or not; too coarse to tell, or measured by a suite that was late itself."""
    assert told(times, taken=taken, lag=lag) is verdict
