"""`vgcp webshop`: run the reference channel."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import click

from reference_channels.kit.openid import Provider
from reference_channels.trade import serving
from reference_channels.trade.settings import Settings
from reference_channels.webshop.providers import read_providers

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


def _providers(context: click.Context, option: click.Parameter, path: Path | None) -> list[Provider]:
    """What the file says. Raises BadParameter."""
    if path is None:
        return []
    try:
        return read_providers(path, os.environ)
    except (ValueError, OSError) as error:
        raise click.BadParameter(str(error)) from error


@click.group()
def webshop() -> None:
    """The reference channel: a small web shop."""


@webshop.command(epilog=EXAMPLES)
@serving.options("webshop", "Lumen", 8081)
@click.option(
    "--identity-providers", envvar="VGCP_SHOP_IDENTITY_PROVIDERS", callback=_providers,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File of the OpenID providers by which buyers may link their accounts (YAML).",
)  # fmt: skip
def serve(settings: Settings, listener: socket.socket, identity_providers: list[Provider]) -> None:
    """Run the web shop until it is told to stop (SIGTERM or Ctrl-C); requests under way are finished
    first."""
    # Here, so that `--help` and mistakes in the options are answered without loading the shop.
    from reference_channels.webshop.app import build

    asyncio.run(serving.serve(build(settings, identity_providers), settings, listener))
