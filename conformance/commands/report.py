"""`vgcp report`: make a stored report into other forms, and compare two."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from conformance import diff, report_markdown, stored
from conformance.badge import badge as drawn
from conformance.commands.misuse import Careful, Misuse
from conformance.report import SCHEMA
from conformance.report_html import render
from conformance.report_junit import junit as rendered_junit

Json = dict[str, Any]
EXAMPLES = """\b
The exchanges are taken from transcript.jsonl beside the report, when it is of the same run.

\b
Exit codes: 0; diff: 1 when something is newly failing; 64 when a file cannot be read.

\b
Examples:
  vgcp report html build/report/report.json --out page.html
  vgcp report markdown report.json >> "$GITHUB_STEP_SUMMARY"
  vgcp report diff yesterday.json today.json --markdown
"""
FILE = click.Path(dir_okay=False, path_type=Path)
GIVEN = click.Path(exists=True, dir_okay=False, path_type=Path)
Render = Callable[[Json, dict[int, Json]], str]


@click.group(cls=Careful, epilog=EXAMPLES)
def report() -> None:
    """Make a stored report into other forms, and compare two."""


def _read(path: Path) -> Json:
    try:
        return stored.report(path)
    except stored.UnreadableError as reason:
        raise Misuse(str(reason)) from None


def _exchanges(path: Path, transcript: Path | None, nonce: str) -> dict[int, Json]:
    if transcript is None:
        return stored.beside(path, nonce)
    try:
        return stored.exchanges(transcript, nonce)
    except stored.UnreadableError as reason:
        raise Misuse(str(reason)) from None


def _form(name: str, what: str, render: Render) -> click.Command:
    @click.argument("file", metavar="REPORT.json", type=GIVEN)
    @click.option(
        "--transcript", type=GIVEN, help="The run's transcript.jsonl; default: the one beside the report."
    )
    @click.option("--out", type=FILE, help="File to write; default: standard output.")
    def command(file: Path, transcript: Path | None, out: Path | None) -> None:
        data = _read(file)
        text = render(data, _exchanges(file, transcript, data["nonce"]))
        if out:
            out.write_text(text, encoding="utf-8")
        else:
            click.echo(text, nl=False)

    command.__doc__ = f"REPORT.json as {what}."
    return click.command(name, epilog=EXAMPLES)(command)


@report.command("diff", epilog=EXAMPLES)
@click.argument("old", metavar="OLD.json", type=GIVEN)
@click.argument("new", metavar="NEW.json", type=GIVEN)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--markdown", "as_markdown", is_flag=True, help="As Markdown.")
def diff_(old: Path, new: Path, as_json: bool, as_markdown: bool) -> None:
    """What changed from OLD.json to NEW.json: newly failing, fixed, other changes."""
    if as_json and as_markdown:
        raise Misuse("Either --json or --markdown.")
    before, after = _read(old), _read(new)
    try:
        data = diff.as_data(before, after)
    except diff.UnlikeError as reason:
        raise Misuse(str(reason)) from None
    if as_json:
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
    else:
        click.echo((report_markdown.difference if as_markdown else diff.text)(before, after), nl=False)
    sys.exit(int(bool(data["newly_failing"])))


@report.command(epilog=EXAMPLES)
def schema() -> None:
    """Print the JSON Schema of report.json."""
    click.echo(SCHEMA.read_text("utf-8"), nl=False)


for _command in (
    _form("html", "one HTML page", render),
    _form("markdown", "Markdown for a pull request", report_markdown.markdown),
    _form("junit", "JUnit XML", lambda data, _: rendered_junit(data)),
    _form("badge", "an SVG badge", lambda data, _: drawn(data)),
):
    report.add_command(_command)
