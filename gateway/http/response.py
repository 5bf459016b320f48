"""An answer before it is on the wire, and the one place that puts it there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from gateway.http.trace import Exchange

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

JSON = b"application/json"


class Response:
    """Status, body bytes and the headers beyond those that every answer has. `code` is the problem's, if it is one."""

    __slots__ = ("body", "code", "headers", "media_type", "status")

    def __init__(
        self, status: int, body: bytes = b"", *, media_type: bytes = JSON, code: str | None = None
    ) -> None:
        self.status = status
        self.body = body
        self.media_type = media_type
        self.code = code
        self.headers: list[tuple[bytes, bytes]] = []


async def send_response(send: Send, response: Response, exchange: Exchange) -> None:
    """Send it, with the trace and the request id (TRC-001, TRC-005), and note on the exchange what was sent."""
    exchange.status = response.status
    exchange.code = response.code
    headers = [
        (b"traceparent", exchange.traceparent.encode()),
        (b"vgcp-request-id", exchange.request_id.encode()),
        *response.headers,
    ]
    if response.body:
        headers.append((b"content-type", response.media_type))
    if response.status != 204:
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
