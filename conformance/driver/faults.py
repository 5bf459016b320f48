"""What the played gateway is told to do wrong, and to which requests."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

import spec


@dataclass
class Fault:
    """The next `count` requests of one of the operations that name `token` are answered otherwise.

    `code`: refused with this problem, and nothing done. `drop`: done, but the connection is closed without an answer.
    `then`: done and answered, but before the answer goes out this happens (a price rises, say).
    """

    operations: tuple[str, ...]
    token: str
    count: int = 1
    code: str = ""
    retry_after: int | None = None
    drop: bool = False
    then: Callable[[], Awaitable[None]] | None = None
    served: int = field(default=0, init=False)

    def takes(self, operation: str, text: str) -> bool:
        """Whether this request is to be answered by the fault; counts it."""
        if self.served >= self.count or operation not in self.operations or self.token not in text:
            return False
        self.served += 1
        return True


def problem(code: str, traceparent: str = "", retry_after: int | None = None) -> web.Response:
    """A proper problem answer of the catalogue."""
    kind = spec.problems()[code]
    parts = traceparent.split("-")
    trace_id = parts[1] if len(parts) == 4 and len(parts[1]) == 32 else secrets.token_hex(16)
    request_id = f"req_{secrets.token_hex(8)}"
    body: dict[str, Any] = {
        "type": f"urn:vgcp:problem:{code}",
        "title": kind.title,
        "status": kind.status,
        "code": code,
        "retryable": kind.retryable,
        "trace_id": trace_id,
        "request_id": request_id,
    }
    headers = {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01", "VGCP-Request-Id": request_id}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    if kind.status == 401:
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return web.json_response(
        body, status=kind.status, headers=headers, content_type="application/problem+json"
    )
