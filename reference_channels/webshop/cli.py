"""`vgcp webshop`: run the reference channel."""

from __future__ import annotations

import asyncio
import socket

import click

from reference_channels.trade import serving
from reference_channels.trade.settings import Settings

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
@serving.options("webshop", "Lumen", 8081)
def serve(settings: Settings, listener: socket.socket) -> None:
    """Run the web shop until it is told to stop (SIGTERM or Ctrl-C); requests under way are finished
    first."""
    # Here, so that `--help` and mistakes in the options are answered without loading the shop.
    from reference_channels.webshop.app import build

    asyncio.run(serving.serve(build(settings), settings, listener))
