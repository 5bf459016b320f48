"""`vgcp mutation`: who judges the judges? Every wrong implementation that there is, and what the suite says of it."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from conformance.model import Role
from conformance.mutation import ROLES, Score, chosen, document, scored, write
from conformance.score import COMMITTED
from conformance.trials import Trial

OUT = Path("build/mutation.json")
STEP = 20  # mutants for each line of progress where there is no terminal
EPILOG = """\b
Exit codes: 0 every mutant is killed or has its reason, 1 one survives without, or nothing at all passed something.
"""


@click.command(epilog=EPILOG)
@click.option("--role", type=click.Choice(ROLES), help="Only the mutants of this role.")
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="Only this mutant or requirement; repeatable. No hosts, and no score is written.",
)
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="Processes.")
@click.option("--commit", is_flag=True, help="Renew the score that the package carries into every report.")
@click.option("--json", "as_json", is_flag=True, help="Print the score as JSON and nothing else.")
def mutation(role: Role | None, only: tuple[str, ...], jobs: int, commit: bool, as_json: bool) -> None:
    """Certify every mutant and every host that is no implementation, and score the suite by it."""
    roles = [one for one in ROLES if role in (None, one) and (not only or _any(one, only))]
    if not roles:
        raise click.BadParameter(f"no mutant is called {', '.join(only)}", param_hint="--only")
    console = Console(quiet=as_json)
    scores = [_score(one, only, jobs, console) for one in roles]
    data = document(scores)
    if not only:
        write(data, OUT)
        if role is None and commit:
            write(data, COMMITTED)
    if as_json:
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
    wrong = any(score.unexplained or score.vacuous_passes or score.unfailed for score in scores)
    sys.exit(int(wrong))


def _any(role: Role, only: tuple[str, ...]) -> bool:
    try:
        return bool(chosen(role, only))
    except KeyError:
        return False


def _score(role: Role, only: tuple[str, ...], jobs: int, console: Console) -> Score:
    """Score one role, with a bar on a terminal, lines elsewhere, and a line for each survivor; then its table."""
    begun = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"{role} mutants", total=len(chosen(role, only)))

        def heard(trial: Trial) -> None:
            progress.update(task, advance=1)
            done = int(progress.tasks[task].completed)
            if not console.is_terminal and done % STEP == 0:
                console.print(f"{role}: {done} mutants", highlight=False)
            if not trial.killed:
                progress.console.print(
                    f"{role}:{trial.mutant.label} - {trial.why}", markup=False, style="yellow"
                )

        score = scored(role, only, jobs, heard)
    score.seconds = time.monotonic() - begun
    _show(score, console)
    return score


def _show(score: Score, console: Console) -> None:
    """The table of a role, by the noun that the requirements are about, and what survived by name."""
    nouns: dict[str, list[Trial]] = defaultdict(list)
    for trial in score.trials:
        nouns[min(trial.mutant.fails).partition("-")[0]].append(trial)
    table = Table(box=None, padding=(0, 2, 0, 0), title=f"{score.role}", title_justify="left")
    for title, side in (("about", "left"), ("mutants", "right"), ("killed", "right"), ("survivors", "left")):
        table.add_column(title, justify=side)  # type: ignore[arg-type]
    for noun, trials in sorted(nouns.items()):
        alive = [one.mutant.label for one in trials if not one.killed]
        table.add_row(noun, str(len(trials)), str(len(trials) - len(alive)), ", ".join(alive))
    console.print(table)
    data = score.as_data()
    console.print(
        f"{data['killed']} of {data['mutants']} mutants fail on exactly their requirement ({data['score']:.1%}), "
        f"{len(score.vacuous_passes)} vacuous passes, {score.seconds:.0f} s",
        highlight=False,
    )
    for one in data["survivors"]:
        reason = (
            f"reason: {one['reason']}" if one["reason"] else f"[red]no reason[/red]: {escape(one['said'])}"
        )
        console.print(f"  {one['mutant']} ({one['requirement']}) {reason}", highlight=False)
    for title, names in (("no mutant fails", score.unfailed), ("passed by nothing", score.vacuous_passes)):
        if names:
            console.print(f"  [red]{title}[/red]: {', '.join(names)}", highlight=False)
