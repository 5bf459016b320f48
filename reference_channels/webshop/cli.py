"""`vgcp webshop`: run the reference channel."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from pathlib import Path

import click
from aiohttp import web

from reference_channels.kit.tokens import Credentials
from reference_channels.webshop.link import Connection
from reference_channels.webshop.logs import set_up
from reference_channels.webshop.settings import SCHEMES, Settings

EXAMPLES = """\b
Examples:
  A sandbox that certification can drive, not connected yet:
    vgcp webshop serve --port 8081 --test-secret s3cret
  A shop that trades with a gateway:
    vgcp webshop serve --gateway http://127.0.0.1:8080 \\
      --client-id ch_lumen --client-secret … --webhook-secret whsec_…
  Secrets from the environment, so that no process list shows them:
    VGCP_CLIENT_SECRET=… VGCP_WEBHOOK_SECRET=… vgcp webshop serve …
"""


@click.group()
def webshop() -> None:
    """The reference channel: a small web shop."""


@webshop.command(epilog=EXAMPLES)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8081, show_default=True, help="Port to listen on; 0 lets the system choose.")
@click.option(
    "--public-url", help="Origin by which gateways and buyers reach the shop. [default: from host and port]"
)
@click.option(
    "--data", type=click.Path(path_type=Path), default=Path("var/webshop"),
    show_default=True, help="Folder for the shop's database, or the file if it ends in .db.",
)  # fmt: skip
@click.option("--name", default="Lumen", show_default=True, help="The shop's name.")
@click.option("--test-secret", envvar="VGCP_TEST_SECRET", help="Be a sandbox under this secret.")
@click.option("--gateway", envvar="VGCP_GATEWAY", help="Origin of the gateway to trade with.")
@click.option("--client-id", envvar="VGCP_CLIENT_ID", help="The shop's id at the gateway.")
@click.option("--client-secret", envvar="VGCP_CLIENT_SECRET", help="The shop's secret at the gateway.")
@click.option("--webhook-secret", envvar="VGCP_WEBHOOK_SECRET", help="Secret of signed events (whsec_…).")
@click.option(
    "--signature-scheme", type=click.Choice(SCHEMES), default=SCHEMES[0], show_default=True,
    help="How events to the shop are to be signed.",
)  # fmt: skip
@click.option("--sync-every", default=30.0, show_default=True, help="Seconds between looks at the feeds.")
@click.option("--log-level", default="info", show_default=True, help="debug, info, warning or error.")
def serve(
    host: str, port: int, public_url: str | None, data: Path, name: str, test_secret: str | None,
    gateway: str | None, client_id: str | None, client_secret: str | None, webhook_secret: str | None,
    signature_scheme: str, sync_every: float, log_level: str,
) -> None:  # fmt: skip
    """Run the web shop until it is told to stop (SIGTERM or Ctrl-C); requests under way are finished
    first."""
    connection = _connection(gateway, client_id, client_secret, webhook_secret)
    set_up(log_level)
    listener = _listen(host, port)
    settings = Settings(
        data=data,
        public_url=(public_url or _own_url(host, listener)).rstrip("/"),
        name=name,
        test_secret=test_secret or None,
        connection=connection,
        signature_scheme=signature_scheme,
        sync_every=sync_every,
    )
    asyncio.run(_serve(settings, listener))


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
    """A bound socket, so that the port is known before the shop says where it is. Raises ClickException."""
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from error


def _own_url(host: str, listener: socket.socket) -> str:
    """Where this machine reaches the shop; an address that stands for all of them is no address to call."""
    reachable = "127.0.0.1" if host in ("", "0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    return f"http://{reachable}:{listener.getsockname()[1]}"


async def _serve(settings: Settings, listener: socket.socket) -> None:
    # Here, so that `--help` and mistakes in the options are answered without loading the shop.
    from reference_channels.webshop.app import build

    runner = web.AppRunner(build(settings), access_log=None, shutdown_timeout=10)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    logging.getLogger(__name__).info("serving", extra={"url": settings.public_url})
    click.echo(f"{settings.name} is open at {settings.public_url}")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await runner.cleanup()
