"""`python -m conformance.mini_channel --port 8082 --test-secret s3cret [--fault NAME]`: something small to certify."""

from __future__ import annotations

import asyncio

import click

from conformance.driver.signer import RFC9421, STANDARD
from conformance.mini_channel import MiniChannel


async def _serve(channel: MiniChannel) -> None:
    async with channel:
        click.echo(f"mini channel at {channel.url}")
        await asyncio.Event().wait()


@click.command()
@click.option("--port", default=8082, show_default=True, help="Port to listen on; 0 lets the system choose.")
@click.option(
    "--test-secret", required=True, envvar="VGCP_TEST_SECRET", help="The sandbox's test-control secret."
)
@click.option("--fault", default="", help="Be wrong in this one way (conformance/mutants/channel.py).")
@click.option(
    "--scheme", type=click.Choice([STANDARD, RFC9421]), default=STANDARD, help="How events are signed."
)
def main(port: int, test_secret: str, fault: str, scheme: str) -> None:
    """Serve the mini channel until it is stopped."""
    asyncio.run(_serve(MiniChannel(test_secret, fault, scheme, port)))


if __name__ == "__main__":
    main()
