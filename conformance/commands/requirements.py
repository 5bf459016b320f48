"""`vgcp requirements`: what the standard requires, and what of it is checked."""

from __future__ import annotations

import json
import sys

import click
from rich.console import Console
from rich.table import Table

import spec


@click.command()
@click.option(
    "--role", type=click.Choice(["gateway", "channel"]), help="Only requirements that bind this role."
)
@click.option("--json", "as_json", is_flag=True, help="Print the registry as JSON.")
def requirements(role: str | None, as_json: bool) -> None:
    """List what the standard requires, and what of it is checked."""
    rows = [row for row in spec.requirements() if role is None or role in row.roles]
    if as_json:
        click.echo(json.dumps([_row(row) for row in rows], indent=2, ensure_ascii=False))
        return
    table = Table(box=None, padding=(0, 1))
    for title in ("id", "level", "role", "checks", "text"):
        table.add_column(title, overflow="fold")
    for row in rows:
        shown = ", ".join(row.checks) or (f"excluded: {row.excluded}" if row.excluded else "-")
        table.add_row(row.id, row.level, row.role, shown, row.text)
    console = Console() if sys.stdout.isatty() else Console(width=160)
    console.print(table, markup=False, highlight=False)
    checked = sum(bool(row.checks) for row in rows)
    click.echo(
        f"\n{len(rows)} requirements, {checked} checked, {sum(bool(r.excluded) for r in rows)} excluded with a reason"
    )


def _row(row: spec.Requirement) -> dict[str, object]:
    data: dict[str, object] = {
        "id": row.id,
        "level": row.level,
        "roles": list(row.roles),
        "profile": row.profile,
        "capability": row.capability,
        "text": row.text,
        "checks": list(row.checks),
        "mutants": list(row.mutants),
    }
    return data | {k: v for k, v in (("operation", row.operation), ("excluded", row.excluded)) if v}
