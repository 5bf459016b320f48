"""One request as the log and the trace see it: W3C Trace Context (level 1) in and out, and a request id.

A thin replacement for OpenTelemetry's ASGI middleware, which costs more than the rest of a request.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field

TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z")
NO_TRACE, NO_SPAN = "0" * 32, "0" * 16


@dataclass(slots=True)
class Exchange:
    """A request and what became of it. `started` is in seconds of `time.perf_counter`."""

    trace_id: str
    span_id: str
    flags: str
    request_id: str
    method: str = "-"
    operation: str = "-"
    channel: str | None = None
    status: int = 0
    code: str | None = None  # of the problem, when there is one
    data_uses: dict[tuple[str, str], str] = field(
        default_factory=dict
    )  # what the decision point was asked, and why
    streaming: bool = False  # the answer has begun: what fails now can only break it off
    started: float = field(default_factory=time.perf_counter)

    @property
    def traceparent(self) -> str:
        """This gateway's own span of the trace, for answers, events and rows."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def parse_traceparent(value: str) -> tuple[str, str] | None:
    """Trace id and flags of a valid header, else None (Trace Context section 3.2.2; TRC-002)."""
    match = TRACEPARENT.match(value)
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if trace_id == NO_TRACE or span_id == NO_SPAN or (version == "00" and rest):
        return None
    return trace_id, "01" if int(flags, 16) & 1 else "00"


def begin(traceparent: bytes | None, method: str) -> Exchange:
    """Continue the caller's trace with a span of our own, or begin a new one (TRC-001, TRC-002, TRC-005)."""
    noise = os.urandom(36).hex()
    known = parse_traceparent(traceparent.decode("latin-1").strip()) if traceparent else None
    trace_id, flags = known or (noise[:32], "01")
    return Exchange(trace_id, noise[32:48], flags, "req_" + noise[48:], method)
