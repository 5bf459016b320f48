"""`vgcp judge`: judge a transcript again, offline."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console

from conformance.digests import suite_digest
from conformance.record import DamagedError, parse, requirements_digest
from conformance.report import report, write
from conformance.report_screen import screen
from conformance.runner import Run, judged

VOID = 3

EXAMPLES = """\b
Exit codes: as of vgcp certify; 3 also for a transcript that is damaged or cut.

\b
Examples:
  vgcp judge build/report/transcript.jsonl
  vgcp judge transcript.jsonl --json
  vgcp judge transcript.jsonl --out build/again
"""


@click.command(epilog=EXAMPLES)
@click.argument("transcript", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print report.json and nothing else.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the reports.")
def judge(transcript: Path, as_json: bool, out: Path | None) -> None:
    """Judge TRANSCRIPT (transcript.jsonl of a run) again: the same verdict and report, without the implementation."""
    try:
        result = judged(parse(transcript.read_bytes().decode("utf-8")))
    except (DamagedError, UnicodeDecodeError, KeyError) as reason:
        click.echo(f"VOID {transcript}: {reason}", err=True)
        sys.exit(VOID)
    _warn(result)
    data = report(result)
    if out:
        write(result, out, data)
    if as_json:
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
    else:
        screen(data, Console())
    sys.exit(result.exit_code)


def _warn(result: Run) -> None:
    """Say so when another suite, or other requirements, made it: the verdict may then be another."""
    head = result.transcript.head
    ours = (suite_digest(), requirements_digest())
    if (head.get("suite", {}).get("digest"), head.get("requirements")) != ours:
        click.echo("note: this transcript was made by another version of the suite or standard", err=True)
