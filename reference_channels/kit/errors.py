"""What can come back from a gateway other than what was asked for, as typed errors (RFC 9457, ERR-001)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

Json = dict[str, Any]

# Answers after which the same request with the same key may succeed, for servers in between that send no
# problem document.
TRANSIENT = frozenset({429, 500, 502, 503, 504})


class GatewayError(Exception):
    """The gateway did not do what was asked, or it is not known whether it did."""

    retry_after: float | None = None


class NoAnswer(GatewayError):
    """The connection failed, or the answer did not come or could not be read: it is NOT known whether it
    took effect.

    Send the same request with the same key again, or look for the order by reference (SEL-010).
    """


class Problem(GatewayError):
    """The gateway answered with a problem document: what was asked has not been done.

    `code` is an id of spec/problems.yaml (an unknown one is one more value, CNV-002), `status` the HTTP
    status, `retry_after` seconds or None, `retryable` whether the same request may succeed later.
    """

    def __init__(self, status: int, document: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.code = str(document.get("code", "unknown"))
        self.title = str(document.get("title", ""))
        self.trace_id = document.get("trace_id")
        self.errors: list[Json] = [e for e in document.get("errors") or [] if isinstance(e, dict)]
        self.retryable = bool(document.get("retryable", status in TRANSIENT))
        self.retry_after = retry_after
        super().__init__(f"{status} {self.code}")

    @property
    def transient(self) -> bool:
        """Whether it is worth sending the same request with the same key again by itself (ERR-011).

        Not after a 401 (get a token first) nor after refusals that a change elsewhere could lift
        (`out_of_stock`).
        """
        return self.retryable and (self.status in TRANSIENT or self.code == "idempotency_in_flight")


def seconds(retry_after: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks to wait (RFC 9110, section 10.2.3: a number or a date), or
    None."""
    if retry_after is None:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        date = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now)


def timestamp(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 time. Raises ValueError when it is none."""
    return datetime.fromisoformat(text).timestamp()
