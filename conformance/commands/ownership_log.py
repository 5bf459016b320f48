"""`vgcp ownership-log`: follow a gateway's log of ownership, and find out whether it tells the truth."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import NoReturn

import click

from conformance.following import LiedError, UnreadableError, follow

EPILOG = """\b
Exit codes: 0 all is proven, 1 the log is not what it was said to be, 3 it cannot be read.

\b
Examples:
  vgcp ownership-log https://gateway.shop.example --kept head.json
  vgcp ownership-log https://gateway.shop.example --entry 5dWNxvQ3B0m7l8c1u0pV2o9r4s6t8w1y3z5A7C9E1G0
"""


def _stop(message: str, code: int) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(code)


@click.command("ownership-log", epilog=EPILOG)
@click.argument("url")
@click.option("--kept", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Where the last head is kept: the log must have grown from it.")  # fmt: skip
@click.option(
    "--entry", metavar="LEAF_HASH", help="An entry that the log must have, as an entitlement names it."
)
def ownership_log(url: str, kept: Path | None, entry: str | None) -> None:
    """Follow the log of ownership of the gateway at URL: is its head signed and fresh, did it only grow.

    Run it now and then with the same file, or compare such files with others who follow the log: a gateway cannot show
    two of you different logs without being caught. The file is the evidence, so it stays when something is wrong.
    """
    try:
        now, before, place = asyncio.run(follow(url, kept, entry))
    except LiedError as error:
        _stop(f"NOT PROVEN: {error}" + (f"; the head seen before is in {kept}" if kept else ""), 1)
    except UnreadableError as error:
        _stop(f"Error: {error}", 3)
    click.echo(f"{now.size} entries, signed by {now.issuer}")
    if before is not None:
        click.echo(f"grown from {before.size} entries, proven")
    if place is not None:
        click.echo(f"has the entry, in place {place}, proven")
