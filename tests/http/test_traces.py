"""W3C Trace Context in and out."""

from __future__ import annotations

import pytest

from gateway.http.trace import begin, parse_traceparent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"


def test_a_valid_traceparent_is_continued() -> None:
    """The trace id stays, the span id is the gateway's own."""
    exchange = begin(GOOD.encode(), "GET")
    assert exchange.trace_id == TRACE
    assert exchange.span_id != SPAN
    assert exchange.traceparent == f"00-{TRACE}-{exchange.span_id}-01"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "garbage",
        GOOD.upper(),
        GOOD + "x",
        GOOD + "-extra",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"{GOOD}, {GOOD}",
    ],
)
def test_a_malformed_traceparent_begins_a_new_trace(value: str) -> None:
    """Nothing of it is taken over, and nothing is refused."""
    assert parse_traceparent(value) is None
    assert begin(value.encode(), "GET").trace_id != TRACE


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    """Trace Context section 3.2.4: parse what version 00 has and ignore the rest."""
    assert parse_traceparent(f"01-{TRACE}-{SPAN}-00-what.ever") == (TRACE, "00")


def test_every_request_has_an_id_of_its_own() -> None:
    """TRC-005."""
    assert len({begin(None, "GET").request_id for _ in range(1000)}) == 1000
