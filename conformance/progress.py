"""What is seen while a run goes on: a bar that moves on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from conformance.model import Scenario
from conformance.runner import Listener, Target


class Lines(Listener):
    """Plain lines, for logs and CI."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.total = self.done = 0

    def begin(self, target: Target, scenarios: int, checks: int) -> None:
        self.total = scenarios
        self.console.print(
            f"{target.role} at {target.url}: {scenarios} scenarios, {checks} checks", highlight=False
        )

    def driven(self, scenario: Scenario, seconds: float, stopped: str) -> None:
        self.done += 1
        why = f" - stopped: {stopped}" if stopped else ""
        line = f"[{self.done}/{self.total}] {scenario.name} {seconds:.1f} s{why}"
        self.console.print(line, highlight=False, markup=False)


class Live(Listener):
    """A bar that moves, for people."""

    def __init__(self, console: Console) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self.progress = Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
        self.task = self.progress.add_task("starting", total=None)

    def begin(self, target: Target, scenarios: int, checks: int) -> None:
        self.progress.update(self.task, total=scenarios, description=f"{target.role} at {target.url}")
        self.progress.start()

    def driven(self, scenario: Scenario, seconds: float, stopped: str) -> None:
        self.progress.update(self.task, advance=1, description=scenario.name)

    def close(self) -> None:
        """Take the bar away."""
        self.progress.stop()


@contextmanager
def listening(console: Console | None) -> Iterator[Listener]:
    """The fitting listener for where the output goes; without a console one that says nothing."""
    if console is None:
        yield Listener()
    elif not console.is_terminal:
        yield Lines(console)
    else:
        live = Live(console)
        try:
            yield live
        finally:
            live.close()
