"""`python -m conformance.mini_gateway --port N --test-secret S`."""

from __future__ import annotations

import asyncio

import click

from conformance.mini_gateway.app import MiniGateway


async def _run(host: str, port: int, test_secret: str, fault: str) -> None:
    async with MiniGateway(fault, test_secret=test_secret, host=host, port=port) as gateway:
        click.echo(f"mini gateway at {gateway.url}")
        await asyncio.Event().wait()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=0, help="0 lets the system choose.")
@click.option("--test-secret", required=True, envvar="VGCP_TEST_SECRET")
@click.option("--fault", default="", help="Be wrong in this one way.")
def main(host: str, port: int, test_secret: str, fault: str) -> None:
    """Serve a small gateway in memory until interrupted."""
    try:
        asyncio.run(_run(host, port, test_secret, fault))
    except KeyboardInterrupt:
        click.echo("stopped")


if __name__ == "__main__":
    main()
