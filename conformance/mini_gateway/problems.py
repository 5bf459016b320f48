"""Refusals, and how they look on the wire (RFC 9457, from the closed catalogue)."""

from __future__ import annotations

from typing import Any

import spec


class Refusal(Exception):
    """A problem of the catalogue. `pointer` names a field of the body, `name` a parameter in `where`."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        pointer: str | None = None,
        name: str | None = None,
        where: str = "body",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.headers = headers or {}
        self.errors: list[dict[str, Any]] = []
        if pointer is not None:
            self.errors.append({"detail": detail or code, "pointer": pointer, "in": "body"})
        elif name is not None:
            self.errors.append({"detail": detail or code, "name": name, "in": where})


def document(refusal: Refusal, trace_id: str, request_id: str) -> tuple[int, dict[str, Any]]:
    """The status and the problem document; the token endpoint's codes also carry RFC 6749's `error`."""
    entry = spec.problems()[refusal.code]
    body: dict[str, Any] = {
        "code": refusal.code,
        "status": entry.status,
        "type": f"urn:vgcp:problem:{refusal.code}",
        "title": entry.title,
        "trace_id": trace_id,
        "request_id": request_id,
        "retryable": entry.retry == "same",
    }
    if refusal.detail:
        body["detail"] = refusal.detail
    if refusal.errors:
        body["errors"] = refusal.errors
    if refusal.code in OAUTH:
        body |= {"error": refusal.code, "error_description": refusal.detail or entry.title}
    return entry.status, body


OAUTH = frozenset({"invalid_request", "invalid_client", "invalid_scope", "unsupported_grant_type"})
