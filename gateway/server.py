"""uvicorn as the gateway needs it: shared ports, a stop that ends with exit code 0, connections that can be cut."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

BACKLOG = 2048
BAD_REQUEST = (
    b'{"type":"urn:vgcp:problem:malformed","title":"The body is not well-formed","status":400,'
    b'"code":"malformed","retryable":false,"trace_id":"%s","detail":"This is not HTTP."}'
)


class Joining:
    """A transport that sends in one piece what one turn of the event loop has written: an answer's head and body."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send it when this turn ends."""
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        """Once what was written is sent."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts:
            parts, self._parts = self._parts, []
            if not self._transport.is_closing():
                self._transport.write(b"".join(parts))


class Protocol(HttpToolsProtocol):
    """Gives applications the transport, so that a sandbox can cut a connection; answers non-HTTP with a problem."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody connects."""
        super().connection_made(Joining(transport, self.loop))  # type: ignore[arg-type]

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.scope["extensions"] = {"vgcp.transport": {"transport": self.transport}}

    def send_400_response(self, msg: str) -> None:
        """The bytes are not HTTP; there is no request that could have a trace, so a new one it is (ERR-001)."""
        trace_id = os.urandom(16).hex().encode()
        body = BAD_REQUEST % trace_id
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\n"
            b"traceparent: 00-%s-%s-00\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
            % (trace_id, os.urandom(8).hex().encode(), len(body), body)
        )
        self.transport.close()


class Server(uvicorn.Server):
    """Leaves the signals to its caller; calls `on_ready` once it takes requests."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None] = lambda: None) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn would raise the signal again after a clean stop, and so end with its number."""
        yield

    def stop(self) -> None:
        """No new connections; requests in flight are finished."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open, then tell."""
        await super().startup(sockets=sockets)
        if self.started:
            self._on_ready()


def make_server(app: Any, *, stop_timeout: int, on_ready: Callable[[], None] = lambda: None) -> Server:
    """A server for this ASGI application; `stop_timeout` is how many seconds requests in flight have at the end."""
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=Protocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=stop_timeout,
    )
    return Server(config, on_ready)


def bind(host: str, port: int, *, shared: bool) -> socket.socket:
    """A bound TCP socket, with port 0 a free one; `shared` lets the workers bind the same port (SO_REUSEPORT)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def origin(sock: socket.socket) -> str:
    """The URL at which the socket is reached from this machine."""
    host, port = sock.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compares, does not bind
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
