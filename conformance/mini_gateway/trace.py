"""W3C Trace Context: read the caller's, answer in the same trace."""

from __future__ import annotations

import re
import secrets

_SHAPE = re.compile(r"^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$")


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace id, or None when the header is missing or malformed."""
    match = _SHAPE.match(traceparent or "")
    if not match or set(match[2]) == {"0"} or set(match[3]) == {"0"}:
        return None
    if match[1] == "00" and match[5]:
        return None
    return match[2]


def new_trace_id() -> str:
    """A trace id of our own."""
    return secrets.token_hex(16)


def traceparent(trace_id: str) -> str:
    """A traceparent with a new span in this trace."""
    return f"00-{trace_id}-{secrets.token_hex(8)}-01"
