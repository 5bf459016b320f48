"""From the command to processes that serve: migrate, bind, fork if asked to, tell when requests are taken."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from gateway import logs
from gateway.http.edge import WithLifespan
from gateway.main import prepare, running
from gateway.server import Server, bind, make_server, origin
from gateway.settings import Settings
from gateway.storage.vault import VaultError
from gateway.workers import STOP_SIGNALS, Workers


def serve(settings: Settings) -> int:
    """Serve until a stop signal; the exit code. Raises click.ClickException for what the operator can mend."""
    logs.configure(settings.log_level)
    shared = settings.workers > 1
    try:
        prepare(settings)
        sock = bind(settings.host, settings.port, shared=shared)
    except OSError as error:
        raise click.ClickException(f"{error} (port {settings.port}, database {settings.database})") from error
    except (ValueError, VaultError) as error:
        raise click.ClickException(str(error)) from error
    url = settings.public_url or origin(sock)
    if not shared:
        return _work(settings, sock, url, lambda: _announce(settings, url, origin(sock)))
    return _fork(settings, sock, url)


def _work(settings: Settings, sock: socket.socket, url: str, on_ready: Callable[[], None]) -> int:
    """Serve in this process."""

    def ready() -> None:
        freeze()
        on_ready()

    level = settings.log_level
    write_line = _ToStderr() if level in ("debug", "info") else _nowhere
    app = WithLifespan(lambda: running(settings, url, write_line))
    server = make_server(app, stop_timeout=settings.stop_timeout, on_ready=ready)
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        return runner.run(_until_stopped(server, sock))


async def _until_stopped(server: Server, sock: socket.socket) -> int:
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, server.stop)
    await server.serve(sockets=[sock])
    return 0 if server.started else 1


def _fork(settings: Settings, reserved: socket.socket, url: str) -> int:
    """Several processes; each listens on a socket of its own at the port that `reserved` keeps for them."""
    host, port = reserved.getsockname()[:2]
    reading, writing = os.pipe()

    def work(_: int) -> int:
        sock = bind(host, port, shared=True)
        return _work(settings, sock, url, lambda: _tell(writing))

    def announce() -> None:
        ready = 0
        while ready < settings.workers:
            ready += len(os.read(reading, settings.workers))
        _announce(settings, url, origin(reserved))

    def started() -> None:
        threading.Thread(target=announce, daemon=True).start()

    return Workers(settings.workers, work).run(started)


def _tell(pipe: int) -> None:
    os.write(pipe, b".")


def _announce(settings: Settings, url: str, local_url: str) -> None:
    """One line for people on standard output, and the file for programs."""
    kind = "sandbox gateway" if settings.sandbox else "gateway"
    click.echo(f"{kind} ready: {url} (discovery at {url}/.well-known/vgcp)")
    sys.stdout.flush()
    if settings.ready_file is not None:
        ready = {"url": url, "local_url": local_url, "pid": os.getpid(), "workers": settings.workers}
        _write_whole(settings.ready_file, ready)


def _write_whole(path: Path, value: dict[str, Any]) -> None:
    """Whoever sees the file sees all of it."""
    draft = path.with_name(path.name + f".{os.getpid()}")
    draft.write_text(json.dumps(value))
    draft.replace(path)


def freeze() -> None:
    """What was made at start stays for good: the collector need not look at it again (p99 from 105 to 14 ms)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


class _ToStderr:
    """Writes what one turn of the event loop has logged at once."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def __call__(self, line: bytes) -> None:
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._write)
        self._lines.append(line)

    def _write(self) -> None:
        lines, self._lines = b"".join(self._lines), []
        os.write(2, lines)


def _nowhere(_: bytes) -> None:
    """Access lines are of level info."""
