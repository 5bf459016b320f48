"""What `--profile` takes: one profile or several, as vgcp.toml does."""

from __future__ import annotations

import click

from conformance import config


def profiles(value: str) -> str:
    """Profiles with commas between, put in the order of the standard; click's type of the option and the prompt."""
    try:
        return str(config.KEYS["profile"](value))
    except ValueError as reason:
        raise click.BadParameter(str(reason)) from None
