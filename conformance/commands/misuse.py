"""Wrong use of a command whose exit codes 0 to 3 are verdicts: it answers with a code of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

MISUSE = 64  # sysexits.h EX_USAGE


class Misuse(click.UsageError):
    """What was asked for cannot be done; nothing was run."""

    exit_code = MISUSE


class Careful(click.Group):
    """A group in which click's own usage errors, which would exit with 2, exit with `MISUSE` too."""

    def make_context(self, *words: Any, **more: Any) -> click.Context:
        with _as_misuse():
            return super().make_context(*words, **more)

    def invoke(self, ctx: click.Context) -> Any:
        with _as_misuse():
            return super().invoke(ctx)


@contextmanager
def _as_misuse() -> Iterator[None]:
    try:
        yield
    except click.UsageError as error:
        raise Misuse(error.format_message(), error.ctx) from error
