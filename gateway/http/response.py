"""An answer before it is on the wire, and the one place that puts it there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from gateway.http.trace import Exchange

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

JSON = b"application/json"


class Response:
    """Status, body bytes and the headers beyond those that every answer has. `code` is the problem's, if it is one.

    `stream` gives the body in pieces, in place of `body`, when it may be larger than the memory.
    """

    __slots__ = ("body", "code", "headers", "media_type", "status", "stream")

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        *,
        media_type: bytes = JSON,
        code: str | None = None,
        stream: AsyncIterator[bytes] | None = None,
    ) -> None:
        self.status = status
        self.body = body
        self.media_type = media_type
        self.code = code
        self.stream = stream
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
    if response.body or response.stream:
        headers.append((b"content-type", response.media_type))
    if response.status != 204 and response.stream is None:
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if response.stream is not None:
        exchange.streaming = True
        async for piece in response.stream:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(0)  # what was sent leaves the memory before the next piece comes
    await send({"type": "http.response.body", "body": response.body})
