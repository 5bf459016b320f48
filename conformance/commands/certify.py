"""`vgcp certify`: run the suite against an implementation."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console

from conformance import baseline, config, rounds
from conformance.commands.init import init
from conformance.commands.misuse import Careful, Misuse
from conformance.commands.profiles import profiles
from conformance.launch import cancellable
from conformance.model import Role
from conformance.runner import Target, selected

EXAMPLES = """\b
What is wanted is taken from the command line, else from the environment (VGCP_ROLE, VGCP_URL, VGCP_TEST_SECRET,
VGCP_PROFILE, VGCP_LISTEN, VGCP_OUT, VGCP_BASELINE, VGCP_CONFIG), else from vgcp.toml, which `init` writes.
Colour is shown on a terminal only, and never where NO_COLOR is set.

\b
Exit codes:
  0   certified; with a baseline: nothing beyond it
  1   failed: a MUST does not hold; with a baseline: a new one
  2   partial: a selection, or something could not be shown
  3   void: nothing can be concluded
  64  the command or vgcp.toml is wrong, and nothing was run
  130 interrupted

\b
Examples:
  vgcp certify init                            ask, look at the implementation, write vgcp.toml
  vgcp certify                                 what vgcp.toml says
  vgcp certify --watch                         again after every change
  vgcp certify --only SIG-006 --only SEL-010   only these
  vgcp certify channel http://127.0.0.1:8081 --test-secret s3cret
  vgcp certify gateway http://127.0.0.1:8080 --profile identity,ownership --out build/report
  vgcp certify --baseline known.json           in CI, while some failures are known
  vgcp certify gateway --list
"""
INTERRUPTED = 130  # as a shell says of what Ctrl-C has ended
FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """What `vgcp certify` takes, with a role and without."""
    for option in reversed(
        (
            click.option("--test-secret", envvar="VGCP_TEST_SECRET", help="The sandbox's test-control secret."),
            click.option("--only", multiple=True, metavar="ID", help="Only this requirement or check; repeatable."),
            click.option("--disable", multiple=True, metavar="ID", help="All but this; makes the run partial."),
            click.option("--profile", type=profiles, envvar="VGCP_PROFILE",
                         help="What it is to be certified for, core and these; default: whatever it declares."),
            click.option("--seed", type=click.IntRange(min=0), help="For the suite's own choices, to have them again."),
            click.option("--robustness", is_flag=True,
                         help="Also what Schemathesis makes of the document; unscored, half a minute ([robustness])."),
            click.option("--fail-fast", is_flag=True, help="Stop at the first failure; makes the run partial."),
            click.option("--watch", "watching", is_flag=True, help="Again after every change, until Ctrl-C."),
            click.option("--watch-path", "watch_paths", multiple=True, type=click.Path(exists=True),
                         help="What to watch; repeatable. Default: the working directory."),
            click.option("--baseline", type=FILE, envvar="VGCP_BASELINE", help="Known failures; exit 0 if no more."),
            click.option("--write-baseline", is_flag=True, help="Write what is open now to the --baseline."),
            click.option("--out", type=FOLDER, envvar="VGCP_OUT", help="Folder for all reports and the transcript."),
            click.option("--json", "as_json", is_flag=True, help="Print report.json and nothing else."),
            click.option("--list", "as_list", is_flag=True, help="List the checks and drive nothing."),
            click.option("--listen", default="127.0.0.1", show_default=True, envvar="VGCP_LISTEN",
                         help="Address on which the implementation reaches the suite."),
            click.option("--config", "file", type=FILE, envvar="VGCP_CONFIG", help="Default: vgcp.toml, if there."),
            click.option("--no-start", is_flag=True, help="It runs already: leave out the file's `start`."),
        )
    ):  # fmt: skip
        command = option(command)
    return command


@click.group(cls=Careful, invoke_without_command=True, epilog=EXAMPLES)
@click.option("--role", type=click.Choice(config.ROLES), envvar="VGCP_ROLE", help="Which side it is.")
@click.option("--url", envvar="VGCP_URL", help="The origin that serves /.well-known/vgcp.")
@_options
@click.pass_context
def certify(ctx: click.Context, /, **options: Any) -> None:
    """Find out whether an implementation keeps to the standard, and prove it."""
    if ctx.invoked_subcommand is None:
        sys.exit(_certify(ctx, options))
    if any(ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in options):
        raise Misuse(f"Options go behind the word: vgcp certify {ctx.invoked_subcommand} …")


def _command(role: Role) -> click.Command:
    @click.argument("url", required=False, envvar="VGCP_URL")
    @_options
    @click.pass_context
    def command(ctx: click.Context, /, **options: Any) -> None:
        sys.exit(_certify(ctx, {"role": role, **options}))

    command.__doc__ = f"Certify the {role} at URL, the origin that serves /.well-known/vgcp."
    return click.command(role, epilog=EXAMPLES)(command)


def _certify(ctx: click.Context, options: dict[str, Any]) -> int:
    """Do what the command, the environment and the file say; the exit code."""
    wanted = _settled(ctx, options)
    _check_names(wanted)
    if wanted["as_list"]:
        for entry in selected(wanted["role"], wanted["only"], wanted["profile"] or "", wanted["disable"]):
            click.echo(f"{entry.id:<11} {entry.title}")
        return 0
    plan = _plan(wanted)
    try:
        with cancellable():
            return _watch(plan, wanted) if wanted["watching"] else _once(plan, wanted)
    except KeyboardInterrupt:
        return INTERRUPTED


def _once(plan: rounds.Plan, wanted: dict[str, Any]) -> int:
    done = rounds.certify(plan, None if wanted["as_json"] else Console())
    code = done.exit_code
    if wanted["write_baseline"] and done.report["verdict"] != "void":
        known = baseline.write(done.report, wanted["baseline"])
        click.echo(f"Wrote {wanted['baseline']}: {known} known", err=True)
        code = 0
    if wanted["as_json"]:
        click.echo(json.dumps(done.report, indent=2, ensure_ascii=False))
    elif plan.out:
        click.echo(f"Reports: {plan.out / 'report.html'}")
    return code


def _watch(plan: rounds.Plan, wanted: dict[str, Any]) -> int:
    paths = tuple(map(Path, wanted["watch_paths"])) or (Path.cwd(),)
    return rounds.keep_certifying(plan, Console(), paths)


def _settled(ctx: click.Context, options: dict[str, Any]) -> dict[str, Any]:
    """The options, and where they were neither typed nor in the environment, what the file says."""
    path = options["file"] or Path(config.FILE)
    if not options["file"] and not path.is_file():
        return options
    try:
        said = config.load(path)
    except (config.ConfigError, OSError) as error:
        raise Misuse(str(error)) from None
    given = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
    fresh = {key: value for key, value in said.items() if ctx.get_parameter_source(key) not in given}
    if options["role"]:
        other = fresh.pop("role", options["role"])
        if other != options["role"] and "url" in fresh:
            raise Misuse(f"the url in {path.name} is a {other}'s, and this is about a {options['role']}")
    fresh |= {key: Path(fresh[key]) for key in config.PATHS if key in fresh}
    return options | fresh


def _check_names(wanted: dict[str, Any]) -> None:
    if not wanted["role"]:
        raise Misuse(
            f"Which side is it? vgcp certify channel …, or `role` in {config.FILE} (vgcp certify init)."
        )
    try:
        selected(wanted["role"], wanted["only"], wanted["profile"] or "", wanted["disable"])
    except KeyError as unknown:
        raise Misuse(f"no check of the {wanted['role']} role is called {unknown.args[0]}") from None


def _plan(wanted: dict[str, Any]) -> rounds.Plan:
    """What is to be done; raises Misuse where something is missing or does not go together."""
    if wanted["write_baseline"] and not wanted["baseline"]:
        raise Misuse("--write-baseline needs --baseline FILE, which it writes.")
    if wanted["watching"] and (wanted["as_json"] or wanted["write_baseline"]):
        raise Misuse(
            "--watch shows the last screen again and again; it does not go with --json or --write-baseline."
        )
    if not wanted["url"]:
        raise Misuse(f"URL is needed: vgcp certify {wanted['role']} URL, or `url` in {config.FILE}.")
    known = None
    if wanted["baseline"] and not wanted["write_baseline"]:
        try:
            known = baseline.read(wanted["baseline"], wanted["role"])
        except baseline.BaselineError as reason:
            raise Misuse(str(reason)) from None
    target = Target(
        wanted["role"], wanted["url"].rstrip("/"), _secret(wanted), wanted["listen"], wanted["profile"] or ""
    )
    more = {} if wanted["no_start"] else {k: wanted[k] for k in ("start", "start_seconds") if k in wanted}
    return rounds.Plan(
        target,
        tuple(wanted["only"]),
        tuple(wanted["disable"]),
        wanted["fail_fast"],
        wanted["seed"],
        wanted["robustness"],
        out=wanted["out"],
        known=known,
        **more,
    )


def _secret(wanted: dict[str, Any]) -> str:
    name = wanted.get("test_secret_env", "VGCP_TEST_SECRET")
    secret = wanted["test_secret"] or os.environ.get(name)
    if not secret:
        raise Misuse(f"The test-control secret is needed: export {name}, or give --test-secret.")
    return str(secret)


certify.add_command(init)
for _role in config.ROLES:
    certify.add_command(_command(_role))
