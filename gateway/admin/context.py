"""What all commands share: where the books are, how answers are given, and errors that say what to do next."""

from __future__ import annotations

import asyncio
import functools
import json
import secrets
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.admin.ports import Backend, Store
from gateway.core.errors import ProtocolError
from gateway.core.model import Call

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a command works, and whether it answers a person or a program."""

    backend: Backend
    database: str
    vault_keys: str | None
    key_file: Path | None
    as_json: bool

    def work(self, task: Callable[[Store], Awaitable[T]]) -> T:
        """Open the books, do the task, close them. Raises click.ClickException with what is wrong and what helps."""
        try:
            if not self.backend.is_current(self.database):
                raise click.ClickException(
                    f"the schema of {shown(self.database)} is not this version's. Run `vgcp gateway migrate` first."
                )
            return asyncio.run(self._opened(task))
        except ProtocolError as error:
            raise click.ClickException(said(error)) from error
        except (OSError, ValueError) as error:
            raise click.ClickException(f"{error} (database {shown(self.database)})") from error

    async def _opened(self, task: Callable[[Store], Awaitable[T]]) -> T:
        store = self.backend.open(self.database, self.vault_keys, self.key_file)
        try:
            return await task(store)
        finally:
            await store.close()

    def answer(self, value: Any, *lines: str) -> None:
        """`value` for a program, the lines for a person."""
        if self.as_json:
            click.echo(json.dumps(value, ensure_ascii=False))
        else:
            for line in lines:
                click.echo(line)

    def progress(self, what: str, done: int, total: int) -> None:
        """A line on standard error: in place on a terminal, only the last elsewhere."""
        last = done >= total
        if sys.stderr.isatty():
            click.echo(f"\r{what}: {done:,} of {total:,}", err=True, nl=last)
        elif last:
            click.echo(f"{what}: {done:,} of {total:,}", err=True)


def desk(command: F) -> Callable[..., Any]:
    """Add the options that say where the books are, and hand the command its `Desk`."""

    @click.option("--database", default="sqlite:///vgcp.db", show_default=True, envvar="VGCP_DATABASE", metavar="URL",
                  help="sqlite:///FILE or postgresql://USER@HOST/NAME.")  # fmt: skip
    @click.option("--vault-keys", envvar="VGCP_VAULT_KEYS", metavar="KID:BASE64,…",
                  help="Encryption keys, as the gateway has them.")  # fmt: skip
    @click.option("--key-file", envvar="VGCP_KEY_FILE", type=click.Path(dir_okay=False, path_type=Path),
                  help="File of encryption keys; default: beside the SQLite file.")  # fmt: skip
    @click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
    @click.pass_context
    @functools.wraps(command)
    def run(
        context: click.Context,
        /,
        database: str,
        vault_keys: str | None,
        key_file: Path | None,
        as_json: bool,
        **others: Any,
    ) -> Any:
        return command(Desk(context.obj, database, vault_keys, key_file, as_json), **others)

    return run


def call() -> Call:
    """A request of the merchant's own: no channel, now, in a trace of its own."""
    trace_id = secrets.token_hex(16)
    traceparent = f"00-{trace_id}-{secrets.token_hex(8)}-01"
    return Call("", datetime.now(UTC), traceparent, trace_id, f"adm_{secrets.token_hex(8)}")


def said(error: ProtocolError) -> str:
    """A refusal in words, with the places that are wrong."""
    places = [f"{fault.pointer or fault.name}: {fault.detail}" for fault in error.errors[:20]]
    return "\n".join([f"{error.code}: {error.detail}" if error.detail else error.code, *places])


def shown(database: str) -> str:
    """A database's URL without its password."""
    scheme, _, rest = database.partition("://")
    who, at, where = rest.rpartition("@")
    return f"{scheme}://{who.partition(':')[0]}{at}{where}"


def table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[str]:
    """Lines with columns below each other; numbers to the right."""
    cells = [
        head,
        *[tuple(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row) for row in rows],
    ]
    widths = [max(len(line[place]) for line in cells) for place in range(len(head))]
    right = [bool(rows) and isinstance(rows[0][place], int) for place in range(len(head))]
    return [
        "  ".join(cell.rjust(width) if to_right else cell.ljust(width)
                  for cell, width, to_right in zip(line, widths, right, strict=True)).rstrip()
        for line in cells
    ]  # fmt: skip
