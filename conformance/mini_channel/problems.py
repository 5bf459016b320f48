"""Problem documents of the closed catalogue (RFC 9457, ERR-010)."""

from __future__ import annotations

import secrets

from aiohttp import web

import spec


class RefusalError(Exception):
    """What the caller is told: a code of the catalogue."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


def answer(refusal: RefusalError, traceparent: str | None) -> web.Response:
    """The problem document as an answer, in the caller's trace."""
    kind = spec.problems()[refusal.code]
    parts = (traceparent or "").split("-")
    trace_id = parts[1] if len(parts) == 4 and len(parts[1]) == 32 else secrets.token_hex(16)
    body = {
        "trace_id": trace_id,
        "code": refusal.code,
        "type": f"urn:vgcp:problem:{refusal.code}",
        "title": kind.title,
        "status": kind.status,
        "retryable": kind.retryable,
    }
    if refusal.detail:
        body["detail"] = refusal.detail
    headers = {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"}
    return web.json_response(
        body, status=kind.status, headers=headers, content_type="application/problem+json"
    )
