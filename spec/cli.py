"""The `vgcp` console command: a group whose sub-commands are found, not imported.

Each package announces its commands in the entry-point group `vgcp.commands`. So no package has to know another
one, a channel vendor who installs only the suite has only its commands, and anyone may add their own.
"""

from importlib import metadata
from typing import Any

import click

GROUP = "vgcp.commands"

# The extra of this distribution that brings what a package imports.
EXTRAS = {"gateway": "gateway", "conformance": "conformance", "reference_channels": "channels"}

# sysexits.h EX_UNAVAILABLE: `certify` gives 0 to 3 a meaning, so none of those may stand for "cannot start".
UNAVAILABLE = 69

EXAMPLES = """\b
Examples:
  vgcp gateway serve                           a gateway on a SQLite file
  vgcp stock watch                             what sells, how fast, and until when
  vgcp webshop serve --help                    the reference channel
  vgcp chatbot serve --help                    another one, in a chat
  vgcp certify channel http://127.0.0.1:8081   is this channel conformant?
  vgcp requirements                            what certification checks
"""


class NotInstalled(click.ClickException):
    """A command was called whose package is installed without what it needs."""

    exit_code = UNAVAILABLE


class Unavailable(click.Command):
    """Stands in for a command whose package is installed without what it needs; says so when it is called."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, short_help=f"(not available: {reason})", add_help_option=False)
        self.reason = reason
        self.context_settings = {"ignore_unknown_options": True, "allow_extra_args": True}

    def invoke(self, ctx: click.Context) -> None:
        raise NotInstalled(f"'{ctx.command_path}' is not available: {self.reason}")


def missing(entry: metadata.EntryPoint, error: ModuleNotFoundError) -> str:
    """Say what to install, for a command that failed to import because a library is absent."""
    extra = EXTRAS.get(entry.module.partition(".")[0])
    remedy = f"pip install 'vgcp[{extra}]'" if extra else f"install {error.name}"
    return f"{error.name} is not installed; {remedy}"


class Commands(click.Group):
    """Looks its sub-commands up in the entry-point group and imports one only when it is wanted."""

    def entries(self) -> dict[str, metadata.EntryPoint]:
        """Every announced command by its name; of two with one name the last one found is taken."""
        return {entry.name: entry for entry in metadata.entry_points(group=GROUP)}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.entries()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.entries().get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        try:
            loaded: Any = entry.load()
        except ModuleNotFoundError as error:
            return Unavailable(cmd_name, missing(entry, error))
        except ImportError as error:
            return Unavailable(cmd_name, f"its package is broken: {error}")
        if not isinstance(loaded, click.Command):
            return Unavailable(cmd_name, f"{entry.value} is not a click command")
        return loaded


@click.group(cls=Commands, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vgcp", prog_name="vgcp")
def main() -> None:
    """The Virtual Goods Channel Protocol: run a gateway, run a channel, certify either."""


if __name__ == "__main__":
    main(prog_name="vgcp")
