"""What is seen while a run goes on and at its end: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from conformance.model import Finding, Scenario, Verdict
from conformance.runner import Listener, Run, Target

COLOURS = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.HARNESS_ERROR: "bold red",
    Verdict.WARN: "yellow",
    Verdict.UNVERIFIED: "yellow",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.DISABLED: "dim",
    Verdict.NOT_APPLICABLE: "dim",
}
BADGES = {"certified": "bold green", "failed": "bold red", "partial": "bold yellow", "void": "bold yellow"}
# What to fix first: without discovery and signatures nothing else counts; then what costs money, then the rest.
FIRST = (
    "DSC",
    "TST",
    "AUT",
    "SIG",
    "INV",
    "ORD",
    "DLV",
    "SEL",
    "IDM",
    "EVT",
    "CAT",
    "ERR",
    "LIM",
    "TRC",
    "CNV",
)


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


def listener(console: Console) -> Lines | Live:
    """The fitting listener for where the output goes."""
    return Live(console) if console.is_terminal else Lines(console)


def urgency(finding: Finding) -> tuple[int, int, str]:
    """Sorts findings by what to fix first."""
    group = finding.check.requirement.partition("-")[0]
    place = FIRST.index(group) if group in FIRST else len(FIRST)
    return (list(Verdict).index(finding.verdict), place, finding.check.id)


def summary(run: Run, console: Console) -> None:
    """The last screen: by requirement, then what to fix first."""
    table = Table(box=None, padding=(0, 1), show_header=False)
    for requirement, group in groupby(_reported(run.findings), key=lambda f: f.check.requirement):
        for finding in group:
            colour = COLOURS[finding.verdict]
            told = "" if finding.verdict is Verdict.PASS else finding.message
            text = f"{escape(finding.check.title)}" + (f" [dim]- {escape(told[:160])}[/dim]" if told else "")
            name = finding.check.id if finding.check.id != requirement else requirement
            table.add_row(f"[{colour}]{finding.verdict.value}[/{colour}]", name, text)
    if not run.void:
        console.print(table)
    _advice(run, console)
    counts = ", ".join(f"{run.count(v)} {v.value}" for v in reversed(Verdict) if run.count(v))
    console.print(
        f"\n[{BADGES[run.verdict]}]{run.verdict.upper()}[/] {counts}, {run.seconds:.1f} s", highlight=False
    )
    if run.void:
        console.print(f"  {run.void}", markup=False, highlight=False)


def _reported(findings: Iterable[Finding]) -> list[Finding]:
    return [f for f in findings if f.verdict is not Verdict.DISABLED]


def _advice(run: Run, console: Console) -> None:
    open_ones = (Verdict.FAIL, Verdict.WARN, Verdict.HARNESS_ERROR)
    wrong = sorted((f for f in run.findings if f.verdict in open_ones), key=urgency)
    if not wrong:
        return
    console.print("\n[bold]Fix first[/bold]")
    for finding in wrong[:5]:
        numbers = ", ".join(f"#{n}" for n in finding.evidence[:4])
        where = f" (exchanges {numbers})" if numbers else ""
        console.print(f"  {finding.check.id} {finding.message[:300]}{where}", markup=False, highlight=False)
        if finding.hint:
            console.print(f"      {finding.hint}", style="dim", markup=False, highlight=False)
