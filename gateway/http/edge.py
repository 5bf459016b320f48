"""The outermost layer: begins the trace, answers probes, makes problems of errors, logs one line a request."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

import orjson

from gateway.core.errors import ProtocolError
from gateway.http import problems
from gateway.http.body import Disconnected
from gateway.http.metrics import Metrics
from gateway.http.response import Receive, Response, Scope, Send, send_response
from gateway.http.trace import Exchange, begin

log = logging.getLogger("gateway.http")
App = Callable[[Scope, Receive, Send], Awaitable[None]]
WriteLine = Callable[[bytes], Any]
Ready = Callable[[], Awaitable[bool]]
# Requests served at once. More would only wait for longer than their callers do; they are told to come again.
MOST_AT_ONCE = 1024


class Edge:
    """ASGI application around the API. `ready` says whether requests can be served; `write_line` takes log lines."""

    def __init__(
        self, api: App, ready: Ready, write_line: WriteLine, *, metrics_public: bool = False
    ) -> None:
        self._api = api
        self._ready = ready
        self._write_line = write_line
        self._metrics_public = metrics_public
        self._at_once = 0
        self.metrics = Metrics()
        self._probes = {"/livez": self._livez, "/readyz": self._readyz, "/metrics": self._metrics}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        headers = joined(scope["headers"])
        exchange = begin(headers.get(b"traceparent"), scope["method"])
        scope["vgcp.headers"], scope["vgcp.exchange"] = headers, exchange
        probe = self._probes.get(scope["path"])
        if probe is not None:
            await send_response(send, await probe(scope), exchange)
            return
        self.metrics.in_flight.inc()
        self._at_once += 1
        try:
            await self._serve(scope, receive, send, exchange)
        finally:
            self._at_once -= 1
            self.metrics.in_flight.dec()
            self._line(exchange, self.metrics.count(exchange))

    async def _serve(self, scope: Scope, receive: Receive, send: Send, exchange: Exchange) -> None:
        try:
            if self._at_once > MOST_AT_ONCE:
                raise ProtocolError("unavailable", "The gateway has more to do than it can.")
            await self._api(scope, receive, send)
        except Disconnected:
            return
        except ProtocolError as error:
            response = problems.answer(error, exchange)
        except ConnectionError as error:
            if exchange.streaming:
                raise
            # the database is away; nothing was changed, and the same request may be sent again
            log.warning("a read failed: %s", error, extra={"trace_id": exchange.trace_id})
            response = problems.answer(
                ProtocolError("unavailable", "The books cannot be read now."), exchange
            )
        except Exception:
            # whatever it is, it must become a problem document, and the details must be findable by the trace id
            fields = {"trace_id": exchange.trace_id, "operation": exchange.operation}
            log.exception("unexpected", extra=fields)
            if exchange.streaming:
                raise
            response = problems.answer(ProtocolError("internal"), exchange)
        else:
            return
        response.headers.extend(scope.get("vgcp.extra_headers", ()))
        await send_response(send, response, exchange)

    def _line(self, exchange: Exchange, milliseconds: float) -> None:
        line: dict[str, Any] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "level": "error" if exchange.status >= 500 else "info",
            "logger": "gateway.access",
            "message": "request",
            "trace_id": exchange.trace_id,
            "request_id": exchange.request_id,
            "channel": exchange.channel,
            "method": exchange.method,
            "operation": exchange.operation,
            "status": exchange.status,
            "ms": round(milliseconds, 2),
        }
        if exchange.code is not None:
            line["code"] = exchange.code
        if exchange.data_uses:
            line["data_uses"] = [
                f"{field} for {purpose}: {why}" for (purpose, field), why in exchange.data_uses.items()
            ]
        self._write_line(orjson.dumps(line) + b"\n")

    async def _livez(self, _scope: Scope) -> Response:
        return Response(200, b"ok", media_type=b"text/plain")

    async def _readyz(self, _scope: Scope) -> Response:
        ready = await self._ready()
        return Response(200 if ready else 503, b"ok" if ready else b"not ready", media_type=b"text/plain")

    async def _metrics(self, scope: Scope) -> Response:
        """For whoever is on this machine and comes straight, unless the operator opens it."""
        relayed = any(name in scope["vgcp.headers"] for name in (b"forwarded", b"x-forwarded-for"))
        if not self._metrics_public and (relayed or not _is_loopback(scope)):
            return problems.answer(ProtocolError("not_found"), scope["vgcp.exchange"])
        return Response(200, self.metrics.render(), media_type=b"text/plain; version=0.0.4")


class WithLifespan:
    """Opens `life` before the first request and closes it after the last one."""

    def __init__(self, life: Callable[[], AbstractAsyncContextManager[App]]) -> None:
        self._life = life
        self._app: App

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await self._app(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self._life() as self._app:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


def joined(pairs: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The headers by lower-case name; those given more than once joined by a comma (RFC 9110 section 5.3)."""
    headers = dict(pairs)
    if len(headers) != len(pairs):
        headers = {}
        for name, value in pairs:
            headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


def _is_loopback(scope: Scope) -> bool:
    client = scope.get("client")
    try:
        return client is not None and ipaddress.ip_address(client[0]).is_loopback
    except ValueError:
        return False
