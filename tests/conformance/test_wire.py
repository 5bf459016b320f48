"""Exchanges are held against the documents; whose fault it is depends on who spoke."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from conformance.runner import Run
from conformance.transcript import Exchange, Message, Transcript
from conformance.wire import operation_of, our_violations, their_violations

JSON = (("Content-Type", "application/json"),)
PROBLEM = (("Content-Type", "application/problem+json"),)
CLOCK = {"advance_seconds": 1}
NOW = {"now": "2026-01-01T00:00:00Z"}


def one(
    direction: Any = "sent",
    operation: str = "channel:test_advance_clock",
    asked: Any = CLOCK,
    answer: Any = NOW,
    status: int = 200,
    headers: Any = JSON,
    flaw: str = "",
) -> Transcript:
    """A transcript with one exchange; `asked` None is a request without a body."""
    t = Transcript()
    body = b"" if asked is None else json.dumps(asked).encode()
    request = Message(JSON, body, method="POST", url="http://h/")
    response = Message(headers, json.dumps(answer).encode(), status=status)
    t.record(Exchange(t.number(), "s", "l", direction, operation, request, response, 0, 1, "", flaw))
    return t


def messages(t: Transcript) -> tuple[list[str], list[str]]:
    """(ours, theirs)."""
    return [v.message for v in our_violations(t)], [v.message for v in their_violations(t)]


def test_what_fits_is_not_mentioned() -> None:
    """A proper exchange has no violation."""
    assert messages(one()) == ([], [])


def test_a_wrong_answer_is_theirs_and_a_wrong_request_ours() -> None:
    """In what the suite asks, the answer is the other side's and the request our own."""
    ours, theirs = messages(one(answer={"now": "soon"}))
    assert not ours
    assert "TestClockState/now" in theirs[0]
    ours, theirs = messages(one(asked={"advance_seconds": -1}))
    assert "TestClock/advance_seconds" in ours[0]
    assert not theirs


def test_it_is_the_other_way_round_in_what_the_suite_is_asked() -> None:
    """A channel's request to the played gateway is the channel's."""
    wrong = one("received", "create_reservation", asked={"quantity": 0}, answer={}, status=201)
    ours, theirs = messages(wrong)
    assert any("Reservation" in message for message in ours)
    assert any("ReservationRequest/quantity" in message for message in theirs)
    assert "no Idempotency-Key" in theirs


def test_a_body_may_be_left_out_only_where_the_document_says_so() -> None:
    """A reveal needs no body, a hold does."""
    assert (
        "no body, expected RevealRequest" not in messages(one("received", "reveal_delivery", asked=None))[1]
    )
    assert (
        "no body, expected ReservationRequest"
        in messages(one("received", "create_reservation", asked=None))[1]
    )


def test_what_is_wrong_on_purpose_is_not_ours() -> None:
    """A request with a flaw may break the schema."""
    assert messages(one(asked={}, flaw="empty")) == ([], [])


def test_errors_must_be_problems_of_the_catalogue() -> None:
    """Media type, code, status and type are held against problems.yaml."""
    good = {
        "type": "urn:vgcp:problem:not_found",
        "title": "t",
        "status": 404,
        "code": "not_found",
        "retryable": False,
        "trace_id": "1" * 32,
    }
    assert messages(one(answer=good, status=404, headers=PROBLEM)) == ([], [])
    for change, status, headers in (
        ({}, 404, JSON),
        ({}, 403, PROBLEM),
        ({"code": "gone_fishing", "type": "urn:vgcp:problem:gone_fishing"}, 404, PROBLEM),
        ({"type": "about:blank"}, 404, PROBLEM),
        ({"trace_id": "short"}, 404, PROBLEM),
    ):
        assert messages(one(answer=good | change, status=status, headers=headers))[1], (change, status)


def test_an_unexpected_success_is_a_violation() -> None:
    """Another 2xx, another media type, or a body where there is none."""
    assert messages(one(status=202))[1] == ["status 202, expected 200"]
    assert "media type" in messages(one(headers=PROBLEM))[1][0]
    reset = one(operation="channel:test_reset", asked={}, answer={"done": True}, status=204)
    assert messages(reset)[1] == ["a body where none is expected"]


def test_unknown_operations_are_left_alone() -> None:
    """What belongs to no operation is judged elsewhere."""
    assert messages(one(operation="", asked=None, answer=None)) == ([], [])


def test_parameters_are_held_against_their_schemas() -> None:
    """The query and the headers, where they are there or must be."""

    def asked(url: str, *headers: tuple[str, str]) -> list[str]:
        t = Transcript()
        request = Message(headers, b"", method="GET", url=url)
        t.record(Exchange(1, "", "", "sent", "list_orders", request, None, 0, 0))
        return [violation.message for violation in our_violations(t)]

    assert asked("http://h/orders?limit=5&reference=ref-1", ("traceparent", "odd")) == []
    assert asked("http://h/orders?limit=501") == ["query parameter limit does not fit its schema"]
    assert asked("http://h/orders?limit=x") == ["query parameter limit does not fit its schema"]
    assert asked("http://h/orders?reference=") == ["query parameter reference does not fit its schema"]
    assert asked("http://h/orders", ("traceparent", "x" * 513)) == [
        "header parameter traceparent does not fit its schema"
    ]


def test_all_of_our_part_of_a_run_is_looked_at(full_run: Run) -> None:
    """Requests of the driver, answers of the callback and of the played gateway: spoil one, and it is noticed.

    Unknown to the documents are only the paths that are asked for because they do not exist, or that a document names.
    """
    t = full_run.transcript
    assert our_violations(t) == []
    unknown = {e.label for e in t.exchanges if operation_of(e) is None}
    assert unknown <= {
        "named metadata",
        "unknown path",
        "unknown path outside",
        "patch orders",
        "delete offers",
    }
    kinds = {(e.direction, e.operation): e for e in t.all(where=lambda e: not e.flaw and _has_body(e))}
    assert {direction for direction, _ in kinds} == {"sent", "received"}
    for kind, exchange in kinds.items():
        part = "request" if exchange.direction == "sent" else "response"
        spoilt = replace(getattr(exchange, part), body=b"[]")
        alone = Transcript(exchanges=[replace(exchange, **{part: spoilt})])
        assert [violation.part for violation in our_violations(alone)][:1] == [part], kind


def _has_body(e: Exchange) -> bool:
    """Whether our part of the exchange has one of a known type. Archives are looked into by their own judges."""
    ours = e.request if e.direction == "sent" else e.response
    if ours is None or not ours.body or ours.media_type == "application/zip":
        return False
    return operation_of(e) is not None
