"""The merchant's own commands, as `vgcp gateway …` shows them. Not part of the standard."""

import click

COMMANDS: list[click.Command] = []
