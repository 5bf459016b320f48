"""The one table from an error to its problem document (RFC 9457), made of spec/problems.yaml.

Anything that is not a `ProtocolError` is `internal`: the caller gets the trace id, the log gets the details.
"""

from __future__ import annotations

from typing import Any

import orjson

import spec
from gateway.core.errors import FieldError, ProtocolError
from gateway.http.response import Response
from gateway.http.trace import Exchange

MEDIA_TYPE = b"application/problem+json"
DETAIL_LIMIT, ERRORS_LIMIT = 2048, 100
# Seconds to wait when the rule named none; every 429, every 503 and a first request in flight carries it.
RETRY_AFTER = {
    "rate_limited": 1,
    "hold_limit_reached": 30,
    "link_limit_reached": 60,
    "unavailable": 1,
    "idempotency_in_flight": 1,
}
CATALOGUE = spec.problems()
CHALLENGE = {
    "unauthenticated": b'Bearer realm="vgcp", error="invalid_token"',
    "invalid_client": b'Basic realm="vgcp", charset="UTF-8"',
    "scope_missing": b'Bearer realm="vgcp", error="insufficient_scope"',
}
OAUTH_ERRORS = {"invalid_request", "invalid_client", "invalid_scope", "unsupported_grant_type"}


class MethodNotAllowed(ProtocolError):
    """The path exists, without this method. `allow` is the value of the Allow header (ERR-007)."""

    def __init__(self, allow: str) -> None:
        super().__init__("method_not_allowed", f"Allowed are {allow}.")
        self.allow = allow


def document(error: ProtocolError, exchange: Exchange) -> dict[str, Any]:
    """The problem document: members in the order in which a reader wants them."""
    entry = CATALOGUE[error.code]
    problem: dict[str, Any] = {
        "type": f"urn:vgcp:problem:{entry.code}",
        "title": entry.title,
        "status": entry.status,
        "code": entry.code,
        "retryable": entry.retry == "same",
        "trace_id": exchange.trace_id,
        "request_id": exchange.request_id,
    }
    if error.detail:
        problem["detail"] = error.detail[:DETAIL_LIMIT]
    if error.errors:
        problem["errors"] = [_field(one) for one in error.errors[:ERRORS_LIMIT]]
    return problem | (_oauth(error) if exchange.operation == "issue_token" else {})


def answer(error: ProtocolError, exchange: Exchange) -> Response:
    """The whole answer: document, status, and the headers that go with the code."""
    if error.code not in CATALOGUE:
        error = ProtocolError("internal")
    body = orjson.dumps(document(error, exchange))
    response = Response(CATALOGUE[error.code].status, body, media_type=MEDIA_TYPE, code=error.code)
    response.headers.extend(_headers(error))
    return response


def _headers(error: ProtocolError) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = [(b"cache-control", b"no-store")]
    wait = error.retry_after if error.retry_after is not None else RETRY_AFTER.get(error.code)
    if wait is not None:
        found.append((b"retry-after", str(wait).encode()))
    if error.code in CHALLENGE:
        found.append((b"www-authenticate", CHALLENGE[error.code]))
    if isinstance(error, MethodNotAllowed):
        found.append((b"allow", error.allow.encode()))
    return found


def _field(error: FieldError) -> dict[str, str]:
    found = {"in": error.where, "detail": error.detail[:1024]}
    if error.pointer is not None:
        found["pointer"] = error.pointer[:1024]
    if error.name is not None:
        found["name"] = error.name[:256]
    return found


def _oauth(error: ProtocolError) -> dict[str, str]:
    """RFC 6749 section 5.2, for clients that know no problem documents."""
    status = CATALOGUE[error.code].status
    if error.code in OAUTH_ERRORS:
        name = error.code
    else:
        name = "invalid_request" if status < 429 else "temporarily_unavailable"
    # section 5.2 allows printable ASCII without the quote and the backslash
    described = error.detail or CATALOGUE[error.code].title
    clean = "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in described)
    return {"error": name, "error_description": clean[:1024]}
