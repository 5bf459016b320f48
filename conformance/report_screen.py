"""The last screen of a run: every finding, what to fix first, and what it comes to."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance.advice import first

Json = dict[str, Any]
COLOURS = {
    "pass": "green",
    "fail": "bold red",
    "harness_error": "bold red",
    "warn": "yellow",
    "unverified": "yellow",
    "inconclusive": "yellow",
    "disabled": "dim",
    "not_applicable": "dim",
}
STAMPS = {"certified": "bold green", "failed": "bold red", "partial": "bold yellow", "void": "bold yellow"}
# From best to worst, as the counts are told.
VERDICTS = (
    "pass",
    "not_applicable",
    "disabled",
    "unverified",
    "inconclusive",
    "warn",
    "fail",
    "harness_error",
)


def screen(report: Json, console: Console) -> None:
    """Show the report: by requirement, then what to fix first, then the verdict."""
    if not report.get("void"):
        console.print(_table(report))
    _advice(report, console)
    _baseline(report, console)
    found = report.get("robustness")
    if found:
        told = f"Schema robustness (not scored): {found['cases']} requests, {found['failures']} failures"
        console.print(f"\n{told}", highlight=False)
    counts = ", ".join(f"{report['counts'][v]} {v}" for v in VERDICTS if report["counts"][v])
    stamp = STAMPS[report["verdict"]]
    console.print(
        f"\n[{stamp}]{report['verdict'].upper()}[/] {counts}, {report['seconds']:.1f} s", highlight=False
    )
    if report.get("void"):
        console.print(f"  {report['void']}", markup=False, highlight=False)


def _table(report: Json) -> Table:
    table = Table(box=None, padding=(0, 1), show_header=False)
    for finding in report["findings"]:
        if finding["verdict"] == "disabled":
            continue
        colour = COLOURS[finding["verdict"]]
        told = "" if finding["verdict"] == "pass" else f" [dim]- {escape(finding['message'][:160])}[/dim]"
        verdict = f"[{colour}]{finding['verdict']}[/{colour}]"
        table.add_row(verdict, finding["check"], escape(finding["title"]) + told)
    return table


def _advice(report: Json, console: Console) -> None:
    def say(text: str, style: str = "") -> None:
        console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    todo = first(report)
    if not todo:
        return
    console.print("\n[bold]Fix first[/bold]")
    for place, advice in enumerate(todo, 1):
        numbers = ", ".join(f"#{n}" for n in advice.evidence[:4])
        where = f" (exchanges {numbers})" if numbers else ""
        say(f"{place}. {advice.check} {advice.message[:300]}{where}")
        if advice.remedy:
            say(f"   {advice.remedy}")
        if advice.explains:
            say(f"   {advice.explains} more could not be shown, and may wait for this.")
        for command in advice.commands(report):
            say(f"   $ {command}", "dim")


def _baseline(report: Json, console: Console) -> None:
    standing = report.get("baseline")
    if standing is None:
        return
    console.print("\n[bold]Against the baseline[/bold] (which is no certificate)")
    for name in ("new", "fixed", "known"):
        if standing[name]:
            listed = ", ".join(standing[name])
            console.print(f"  {name}: {listed}", markup=False, highlight=False, soft_wrap=True)
    if standing["fixed"]:
        console.print("  take what is fixed out of it: --write-baseline", highlight=False)
