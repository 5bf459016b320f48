"""`vgcp requirements`: what the standard requires, what of it is checked, and what each one means."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

import spec
from conformance import explain, explain_html, explain_pages
from conformance.explain_text import FOUND_OUT, screen

EXAMPLES = """\b
Examples:
  vgcp requirements --role channel --level MUST
  vgcp requirements --capability on_demand --json
  vgcp requirements --unchecked
  vgcp requirements explain ORD-012
  vgcp requirements page --out requirements.html
"""
CAPABILITIES = sorted({row.capability for row in spec.requirements() if row.capability})
LEVELS = ["MUST", "SHOULD", "MAY"]


@click.group(invoke_without_command=True, epilog=EXAMPLES)
@click.option("--role", type=click.Choice(explain.ROLES), help="Only what binds this role.")
@click.option(
    "--profile", type=click.Choice([one.id for one in spec.profiles()]), help="Only of this profile."
)
@click.option("--capability", type=click.Choice(CAPABILITIES), help="Only of this capability.")
@click.option("--level", type=click.Choice(LEVELS), help="Only of this level.")
@click.option("--unchecked", is_flag=True, help="Only what no check covers, with the reason.")
@click.option("--json", "as_json", is_flag=True, help="Print the registry as JSON.")
@click.pass_context
def requirements(
    context: click.Context,
    role: str | None,
    profile: str | None,
    capability: str | None,
    level: str | None,
    unchecked: bool,
    as_json: bool,
) -> None:
    """List what the standard requires, and what of it is checked."""
    if context.invoked_subcommand is not None:
        return
    rows = [
        row
        for row in spec.requirements()
        if role in (None, *row.roles)
        and profile in (None, row.profile)
        and capability in (None, row.capability)
        and level in (None, row.level)
        and not (unchecked and row.checks)
    ]
    if as_json:
        click.echo(json.dumps([explain.row(row) for row in rows], indent=2, ensure_ascii=False))
    else:
        _table(rows)


def _table(rows: list[spec.Requirement]) -> None:
    table = Table(box=None, padding=(0, 1))
    for title in ("id", "level", "role", "found out", "checks", "text"):
        table.add_column(title, overflow="fold")
    for row in rows:
        shown = ", ".join(row.checks) or f"excluded: {row.excluded or '-'}"
        mark = " (provisional)" if row.provisional else ""
        table.add_row(row.id + mark, row.level, row.role, FOUND_OUT[row.testability], shown, row.text)
    console = Console() if sys.stdout.isatty() else Console(width=160)
    console.print(table, markup=False, highlight=False)
    checked = sum(bool(row.checks) for row in rows)
    click.echo(
        f"\n{len(rows)} requirements, {checked} checked, {sum(bool(r.excluded) for r in rows)} excluded with a reason"
    )


@requirements.command("explain")
@click.argument("name", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def explain_one(name: str, as_json: bool) -> None:
    """Say what a requirement means: the sentence, its check, what passes, what fails, and how to fix it."""
    wanted = name.upper()
    found = next(
        (row for row in spec.requirements() if wanted in (row.id, *(check.upper() for check in row.checks))),
        None,
    )
    if found is None:
        like = ", ".join(explain.near(name))
        raise click.BadParameter(
            f"there is no requirement {name}" + (f"; there are {like}" if like else ""), param_hint="ID"
        )
    one = explain.explained(found)
    click.echo(json.dumps(one, indent=2, ensure_ascii=False) if as_json else "\n".join(screen(one)))


@requirements.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="A file that ends in .html: one page to filter and search. Anything else: a folder of Markdown pages.",
)
def page(out: Path) -> None:
    """Write all of that down, for all requirements."""
    if out.suffix == ".html":
        out.write_text(explain_html.render(), "utf-8")
        click.echo(f"{len(spec.requirements())} requirements in {out}")
    else:
        click.echo(f"{explain_pages.write(out)} pages in {out}")
