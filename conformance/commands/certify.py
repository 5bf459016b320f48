"""`vgcp certify`: run the suite against an implementation."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

import spec
from conformance.model import Role
from conformance.progress import Live, listener, summary
from conformance.report import report, write
from conformance.runner import Run, Target, run, selected

EXAMPLES = """\b
Exit codes: 0 certified, 1 failed, 2 partial (a selection, or something stayed unverified), 3 void.

\b
Examples:
  vgcp certify channel http://127.0.0.1:8081 --test-secret s3cret
  vgcp certify channel http://127.0.0.1:8081 --test-secret s3cret --only SIG-006 --only SEL-010
  vgcp certify gateway http://127.0.0.1:8080 --test-secret s3cret --out build/report
  vgcp certify gateway http://127.0.0.1:8080 --test-secret s3cret --profile offline
  vgcp certify gateway --list
"""


# What is handed on to the run as it is.
WISHES = (
    click.option(
        "--disable", multiple=True, metavar="ID", help="Not this one: the run is partial. Repeatable."
    ),
    click.option("--seed", type=int, help="Make the suite's own choices those of the run with this seed."),
    click.option(
        "--robustness",
        is_flag=True,
        help="Also send what Schemathesis makes of the document: unscored, for half a minute (vgcp[robustness]).",
    ),
)


@click.group(epilog=EXAMPLES)
def certify() -> None:
    """Find out whether an implementation keeps to the standard, and prove it."""


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """What both roles' commands take."""
    folder = click.Path(file_okay=False, path_type=Path)
    for option in reversed(
        (
            click.argument("url", required=False),
            click.option(
                "--test-secret", envvar="VGCP_TEST_SECRET", help="The sandbox's test-control secret."
            ),
            click.option(
                "--only", multiple=True, metavar="ID", help="Only this requirement or check; repeatable."
            ),
            *WISHES,
            click.option(
                "--profile",
                type=click.Choice([profile.id for profile in spec.profiles()]),
                help="What it is to be certified for; default: whatever it declares.",
            ),
            click.option(
                "--out", type=folder, help="Folder for the JSON, HTML and JUnit reports and the transcript."
            ),
            click.option("--json", "as_json", is_flag=True, help="Print report.json and nothing else."),
            click.option("--list", "as_list", is_flag=True, help="List the checks and drive nothing."),
            click.option(
                "--listen",
                default="127.0.0.1",
                show_default=True,
                help="Address on which the implementation reaches the suite.",
            ),
        )
    ):
        command = option(command)
    return command


def _command(role: Role) -> click.Command:
    @_options
    def command(as_list: bool, only: tuple[str, ...], profile: str | None, **options: Any) -> None:
        _check_names(role, only, profile or "", options["disable"])
        if as_list:
            for entry in selected(role, only, profile or ""):
                click.echo(f"{entry.id:<11} {entry.title}")
        else:
            sys.exit(_certify(role, only, profile or "", **options))

    command.__doc__ = f"Certify the {role} at URL, the origin that serves /.well-known/vgcp."
    return click.command(role, epilog=EXAMPLES)(command)


def _certify(
    role: Role,
    only: tuple[str, ...],
    profile: str,
    url: str | None,
    test_secret: str | None,
    out: Path | None,
    as_json: bool,
    listen: str,
    **wishes: Any,
) -> int:
    """Run, report, and answer the exit code."""
    if not url or not test_secret:
        raise click.UsageError("URL and --test-secret (or VGCP_TEST_SECRET) are needed.")
    result = _run(Target(role, url.rstrip("/"), test_secret, listen, profile), only, as_json, **wishes)
    if out:
        write(result, out)
    if as_json:
        click.echo(json.dumps(report(result), indent=2, ensure_ascii=False))
    elif out:
        click.echo(f"Reports: {out / 'report.html'}")
    return result.exit_code


def _check_names(role: Role, only: tuple[str, ...], profile: str, disable: tuple[str, ...]) -> None:
    try:
        selected(role, only, profile, disable)
    except KeyError as unknown:
        raise click.BadParameter(
            f"no check of the {role} role is called {unknown.args[0]}", param_hint="--only, --disable"
        ) from None


def _run(target: Target, only: tuple[str, ...], quiet: bool, **wishes: Any) -> Run:
    """Run with progress on the terminal; `quiet` shows nothing."""
    if quiet:
        return asyncio.run(run(target, only, **wishes))
    console = Console()
    hears = listener(console)
    try:
        result = asyncio.run(run(target, only, hears, **wishes))
    finally:
        if isinstance(hears, Live):
            hears.close()
    summary(result, console)
    return result


for _role in ("channel", "gateway"):
    certify.add_command(_command(_role))
