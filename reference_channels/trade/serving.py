"""A channel as a process: the options that all have, a port, and a graceful end."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
from aiohttp import web

from reference_channels.kit.tokens import Credentials
from reference_channels.trade.link import Connection
from reference_channels.trade.logs import set_up
from reference_channels.trade.settings import SCHEMES, Settings

Command = Callable[..., None]
Build = Callable[[Settings], web.Application]


def options(kind: str, name: str, port: int) -> Callable[[Command], Command]:
    """Give a command the options of every channel; it is called with its Settings, a bound socket, and its
    own options."""

    def decorate(command: Command) -> Command:
        @wraps(command)
        def run(**given: Any) -> None:
            own = {key: given[key] for key in given.keys() - COMMON}
            connection = _connection(*(given[key] for key in CONNECTION))
            set_up(given["log_level"])
            listener = _listen(given["host"], given["port"])
            url = (given["public_url"] or _own_url(given["host"], listener)).rstrip("/")
            taken = {key: given[key] for key in ("data", "name", "signature_scheme", "sync_every")}
            secret = given["test_secret"] or None
            settings = Settings(public_url=url, kind=kind, test_secret=secret, connection=connection, **taken)
            with listener:
                command(settings, listener, **own)

        wrapped: Command = run
        for option in reversed(_options(kind, name, port)):
            wrapped = option(wrapped)
        return wrapped

    return decorate


CONNECTION = ("gateway", "client_id", "client_secret", "webhook_secret")
COMMON = {
    "host", "port", "public_url", "data", "name", "test_secret", "signature_scheme", "sync_every", "log_level",
    *CONNECTION,
}  # fmt: skip


def _options(kind: str, name: str, port: int) -> list[Callable[[Command], Command]]:
    here = click.Path(path_type=Path)
    return [
        click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
        click.option(
            "--port", default=port, show_default=True, help="Port to listen on; 0 lets the system choose."
        ),
        click.option(
            "--public-url",
            help="Origin by which gateways and buyers reach it. [default: from host and port]",
        ),
        click.option(
            "--data", type=here, default=Path(f"var/{kind}"), show_default=True,
            help="Folder for the database, or the file if it ends in .db.",
        ),
        click.option("--name", default=name, show_default=True, help="The channel's name."),
        click.option("--test-secret", envvar="VGCP_TEST_SECRET", help="Be a sandbox under this secret."),
        click.option("--gateway", envvar="VGCP_GATEWAY", help="Origin of the gateway to trade with."),
        click.option("--client-id", envvar="VGCP_CLIENT_ID", help="The channel's id at the gateway."),
        click.option(
            "--client-secret", envvar="VGCP_CLIENT_SECRET", help="The channel's secret at the gateway."
        ),
        click.option(
            "--webhook-secret", envvar="VGCP_WEBHOOK_SECRET", help="Secret of signed events (whsec_…)."
        ),
        click.option(
            "--signature-scheme", type=click.Choice(SCHEMES), default=SCHEMES[0], show_default=True,
            help="How events to the channel are to be signed.",
        ),
        click.option(
            "--sync-every", default=30.0, show_default=True, help="Seconds between looks at the feeds."
        ),
        click.option(
            "--log-level", default="info", show_default=True, help="debug, info, warning or error."
        ),
    ]  # fmt: skip


def _connection(
    url: str | None, client_id: str | None, secret: str | None, webhook: str | None
) -> Connection | None:
    """All that a gateway needs, or nothing. Raises UsageError for something between."""
    if not url:
        return None
    if not client_id or not secret:
        raise click.UsageError("--gateway also needs --client-id and --client-secret")
    return Connection(url.rstrip("/"), Credentials(client_id, secret, webhook or ""))


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket, so that the port is known before the channel says where it is. Raises ClickException."""
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from error


def _own_url(host: str, listener: socket.socket) -> str:
    """Where this machine reaches it; an address that stands for all of them is no address to call."""
    reachable = "127.0.0.1" if host in ("", "0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    return f"http://{reachable}:{listener.getsockname()[1]}"


async def serve(app: web.Application, settings: Settings, listener: socket.socket) -> None:
    """Run until SIGTERM or Ctrl-C; requests under way are finished first."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=10)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    logging.getLogger(__name__).info("serving", extra={"url": settings.public_url})
    click.echo(f"{settings.name} is open at {settings.public_url}")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await runner.cleanup()
