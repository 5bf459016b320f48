"""`vgcp certify init`: ask what is to be certified, look at it, and write vgcp.toml."""

from __future__ import annotations

import json
import os
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

import spec
from conformance import config
from conformance.commands.misuse import Misuse
from conformance.commands.profiles import profiles

URLS = {"channel": "http://127.0.0.1:8081", "gateway": "http://127.0.0.1:8080"}
SECRET_ENV = "VGCP_TEST_SECRET"  # noqa: S105 - the name of a variable
SECONDS = 5.0
LARGEST = 1 << 20  # bytes of a discovery document

TEMPLATE = """\
# What `vgcp certify` runs against. An option goes before an environment variable, and that before this file.
[certify]
role = {role}
url = {url}
test_secret_env = {secret}  # the name of the variable; the secret itself has no place in a file
profile = {profile}
out = "certification"  # folder for the reports and the transcript
{start}
# disable = ["SIG-008"]      # leave out, which makes the run partial
# baseline = "known.json"    # in CI: exit 0 while nothing fails but what is known
# watch_paths = ["src"]      # for --watch
# listen = "127.0.0.1"       # address on which the implementation reaches the suite
"""
NO_START = '# start = "node channel.mjs"  # launches it for the run, and stops it afterwards'


@click.command()
@click.option("--role", type=click.Choice(config.ROLES), help="Which side it is.")
@click.option("--url", help="The origin that serves /.well-known/vgcp.")
@click.option("--profile", type=profiles, help="What it is certified for.")
@click.option("--test-secret-env", help="Name of the variable that has the test-control secret.")
@click.option("--start", help="Command that launches it; it is stopped after each run.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing: take what is given, found or usual.")
def init(yes: bool, **given: str | None) -> None:
    """Ask what is to be certified, look at it if it runs, and write vgcp.toml in the working directory."""
    path = Path(config.FILE)
    if path.exists():
        raise Misuse(f"{path} exists already, and is not replaced.")

    def ask(name: str, question: str, usual: str, kind: Any = str) -> str:
        if given[name] is not None or yes:
            return given[name] or usual
        return str(click.prompt(question, default=usual, type=kind, show_default=bool(usual)))

    url = ask("url", "Origin that serves /.well-known/vgcp", URLS[given["role"] or "channel"]).rstrip("/")
    found = discovered(url)
    click.echo(_told(url, found))
    answers = {
        "role": ask("role", "Role", _role(url, found), click.Choice(config.ROLES)),
        "url": url,
        "profile": ask("profile", "Profiles, with commas", _profile(found), profiles),
        "test_secret_env": ask("test_secret_env", "Variable with the test-control secret", SECRET_ENV),
        "start": ask("start", "Command that launches it (empty: it runs already)", ""),
    }
    for name in ("url", "test_secret_env"):
        try:
            config.KEYS[name](answers[name])
        except ValueError as reason:
            raise Misuse(f"{name}: {reason}") from None
    path.write_text(written(**answers), encoding="utf-8")
    _next(path, answers["test_secret_env"])


def written(role: str, url: str, profile: str, test_secret_env: str, start: str) -> str:
    """The file's text."""
    # A JSON string is a TOML basic string.
    line = f"start = {json.dumps(start)}" if start else NO_START
    quoted = {"role": role, "url": url, "profile": profile, "secret": test_secret_env}
    return TEMPLATE.format(start=line, **{name: json.dumps(value) for name, value in quoted.items()})


def discovered(url: str) -> dict[str, Any]:
    """The discovery document that is served there; empty when there is none."""
    if urlsplit(url).scheme not in ("http", "https"):
        return {}
    try:
        with urllib.request.urlopen(f"{url}/.well-known/vgcp", timeout=SECONDS) as answer:  # noqa: S310
            data = json.loads(answer.read(LARGEST))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) and data.get("protocol") == "vgcp" else {}


def _told(url: str, found: dict[str, Any]) -> str:
    if not found:
        return f"Nothing that speaks VGCP answers at {url} now; the answers below are the usual ones."
    profiles = ", ".join(map(str, found.get("profiles", []))) or "none"
    return f"Found {found.get('name', '?')!r}: {found.get('role', '?')}, profiles {profiles}."


def _role(url: str, found: dict[str, Any]) -> str:
    guess = "gateway" if url == URLS["gateway"] else "channel"
    return str(found["role"]) if found.get("role") in config.ROLES else guess


def _profile(found: dict[str, Any]) -> str:
    """All profiles that it declares and that there are; else core."""
    declared = found.get("profiles", [])
    known = [p.id for p in spec.profiles() if isinstance(declared, list) and p.id in declared]
    return ",".join(known) or "core"


def _next(path: Path, variable: str) -> None:
    click.echo(f"\nWrote {path}. Next:")
    if not os.environ.get(variable):
        click.echo(f"  export {variable}=…        # what the implementation was started with")
    click.echo("  vgcp certify")
