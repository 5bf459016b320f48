"""W3C Trace Context: read, continue, send (https://www.w3.org/TR/trace-context/, TRC-006)."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass

HEADER = "traceparent"
_PATTERN = re.compile(r"^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$")


@dataclass(frozen=True, slots=True)
class Trace:
    """One step of a journey: `trace_id` (32 hex digits) names the journey, `span_id` (16) the step."""

    trace_id: str
    span_id: str
    flags: str = "01"

    def child(self) -> Trace:
        """The next step of the same journey."""
        return Trace(self.trace_id, secrets.token_hex(8), self.flags)

    @property
    def traceparent(self) -> str:
        """The header's value."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def new_trace(trace_id: str | None = None) -> Trace:
    """A new step, of a new journey or of the one with this trace id."""
    return Trace(trace_id or secrets.token_hex(16), secrets.token_hex(8))


def continue_trace(header: str | None) -> Trace:
    """The step after the caller's. A missing or malformed header begins a new journey (section 4.3)."""
    match = _PATTERN.match(header or "")
    if match is None or not _valid(*match.groups()):
        return new_trace()
    return Trace(match[2], match[3], match[4]).child()


def _valid(version: str, trace_id: str, span_id: str, flags: str, rest: str | None) -> bool:
    """Whether the parts may stand together: no zero ids, no version ff, nothing after version 00."""
    known = version != "ff" and not (version == "00" and rest)
    return known and int(trace_id, 16) != 0 and int(span_id, 16) != 0 and bool(flags)


current: ContextVar[Trace | None] = ContextVar("vgcp_trace", default=None)
