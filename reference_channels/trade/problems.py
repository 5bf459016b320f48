"""The channel's own errors on the wire: problem documents of the closed catalogue (RFC 9457, ERR-010)."""

from __future__ import annotations

import orjson
from aiohttp import web

import spec
from reference_channels.kit import trace
from reference_channels.kit.errors import Json
from reference_channels.trade.logs import request_id

BY_STATUS = {
    400: "malformed",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "media_type_unsupported",
    422: "invalid",
}


class RefusalError(Exception):
    """A request to the protocol's endpoints is answered with a problem of this code."""

    def __init__(self, code: str, detail: str = "", errors: list[Json] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.errors = errors or []


def problem(code: str, detail: str = "", errors: list[Json] | None = None) -> web.Response:
    """The answer for an id of the catalogue; `errors` are FieldError documents."""
    kind = spec.problems()[code]
    step = trace.current.get() or trace.new_trace()
    document: Json = {
        "type": f"urn:vgcp:problem:{code}",
        "title": kind.title,
        "status": kind.status,
        "code": code,
        "retryable": kind.retry == "same",
        "trace_id": step.trace_id,
        "request_id": request_id.get() or "",
    }
    document |= {"detail": detail} if detail else {}
    document |= {"errors": errors} if errors else {}
    answer = web.Response(
        status=kind.status, body=orjson.dumps(document), content_type="application/problem+json"
    )
    if kind.status == 503:
        answer.headers["Retry-After"] = "1"
    return answer


def for_status(status: int) -> web.Response:
    """The answer for an error that the HTTP library found."""
    return problem(BY_STATUS.get(status, "internal" if status >= 500 else "malformed"))
