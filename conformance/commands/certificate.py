"""`vgcp certificate`: sign what a run showed, and find out what a certificate is worth."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console

from conformance import jose
from conformance import registry_page as pages
from conformance.certificate import LONGEST, USUAL, Certificate, RefusedError, read
from conformance.certificate import countersign as countersigned
from conformance.certificate import create as created
from conformance.verification import Evidence, State, Verification
from conformance.verification import verify_live as verified

FILE = click.Path(dir_okay=False, path_type=Path)
GIVEN = click.Path(dir_okay=False, exists=True, path_type=Path)
FOLDER = click.Path(file_okay=False, exists=True, path_type=Path)
COLOURS = {State.HOLDS: "green", State.FAILS: "bold red", State.OPEN: "yellow"}
STANDINGS = {"certified": "bold green", "claim": "bold yellow", "invalid": "bold red"}
EPILOG = """\b
Exit codes: 0 it holds as certified (countersigned), 1 it does not hold, 2 it holds as a claim (self-signed),
3 it cannot be read.

\b
Examples:
  vgcp certificate keygen --out vendor.jwk --public vendor.jwks
  vgcp certificate create build/report --key vendor.jwk --out certificate.jws
  vgcp certificate verify certificate.jws --transcript build/report/transcript.jsonl --url https://shop.example
"""


@click.group(epilog=EPILOG)
def certificate() -> None:
    """Sign what a run showed, and find out what a certificate is worth."""


def _stop(message: str, code: int) -> NoReturn:
    click.echo(f"Error: {message}", err=True)
    sys.exit(code)


def _read(path: Path) -> Certificate:
    """The certificate in a file; ends the command with 1 when it is forged, with 3 when it is none."""
    try:
        return read(path.read_text("utf-8"))
    except jose.ForgedError as error:
        _stop(f"{path.name}: the signature does not hold: {error}", 1)
    except (jose.UnreadableError, OSError, UnicodeDecodeError) as error:
        _stop(f"{path.name} cannot be read: {error}", 3)


def _key(path: Path) -> Any:
    try:
        return jose.read_private(path)
    except jose.UnreadableError as error:
        raise click.BadParameter(str(error), param_hint="--key") from None


def _trusted(paths: tuple[Path, ...]) -> frozenset[str]:
    try:
        return frozenset[str]().union(*map(jose.read_trusted, paths))
    except jose.UnreadableError as error:
        raise click.BadParameter(str(error)) from None


@certificate.command(epilog=EPILOG)
@click.option("--out", type=FILE, required=True, help="File for the private key (JWK); must not exist.")
@click.option("--public", type=FILE, help="File for the public key (JWKS), to give to others.")
def keygen(out: Path, public: Path | None) -> None:
    """Make a key that signs certificates. The private key is written for its owner only, and shown nowhere."""
    key = jose.new_key()
    try:
        jose.write_private(key, out)
    except FileExistsError:
        _stop(f"{out} exists already, and is not replaced", 1)
    if public:
        public.write_text(json.dumps({"keys": [jose.public(key)]}, indent=2) + "\n", "utf-8")
    click.echo(key.thumbprint())


@certificate.command(epilog=EPILOG)
@click.argument("report_dir", type=FOLDER)
@click.option("--key", type=GIVEN, required=True, help="Your private key (JWK), from keygen.")
@click.option("--out", type=FILE, default="certificate.jws", show_default=True)
@click.option(
    "--days",
    type=click.IntRange(1, LONGEST.days),
    default=USUAL.days,
    show_default=True,
    help=f"How long it lasts; at most until {LONGEST.days} days after the run.",
)
def create(report_dir: Path, key: Path, out: Path, days: int) -> None:
    """Sign a claim over the certified run in REPORT_DIR, which is judged again first."""
    try:
        text = created(report_dir, _key(key), datetime.now(UTC), timedelta(days=days))
    except (RefusedError, jose.UnreadableError) as error:
        _stop(f"not certified: {error}", 1)
    out.write_text(text + "\n", "utf-8")
    click.echo(f"{out}: a claim, until a registry countersigns it")


def _evidence(command: Callable[..., None]) -> Callable[..., None]:
    """What a certificate can be held against."""
    for option in (
        click.option("--transcript", type=GIVEN, help="transcript.jsonl of the run, to be judged again."),
        click.option("--report", type=GIVEN, help="report.json of the run."),
        click.option(
            "--url", default="", help="Origin of the live implementation, to compare what it says of itself."
        ),
        click.option(
            "--key", "keys", type=GIVEN, multiple=True, help="Key of the vendor who must have signed (JWKS)."
        ),
    ):
        command = option(command)
    return command


@certificate.command(epilog=EPILOG)
@click.argument("file", type=GIVEN)
@_evidence
@click.option(
    "--registry-key", "registries", type=GIVEN, multiple=True, help="Keys of registries you trust (JWKS)."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON and nothing else.")
def verify(
    file: Path, keys: tuple[Path, ...], registries: tuple[Path, ...], url: str, as_json: bool, **shown: Any
) -> None:
    """Say line by line what of the certificate in FILE holds."""
    evidence = Evidence(signers=_trusted(keys) if keys else None, registries=_trusted(registries), **shown)
    result = asyncio.run(verified(_read(file), evidence, url))
    if as_json:
        click.echo(json.dumps(result.as_data(), indent=2, ensure_ascii=False))
    else:
        _show(result)
    sys.exit(result.exit_code)


def _show(result: Verification) -> None:
    console = Console()
    for line in result.lines:
        console.print(f"[{COLOURS[line.state]}]{line.state.value:<14}[/] ", end="")
        console.print(f"{line.about}: {line.message}", markup=False, highlight=False, soft_wrap=True)
    claims = result.certificate.claims
    console.print(f"\n[{STANDINGS[result.standing]}]{result.standing.upper()}[/] ", end="")
    console.print(_summary(claims), markup=False, highlight=False, soft_wrap=True)


def _summary(claims: dict[str, Any]) -> str:
    made, ends = claims["implementation"], datetime.fromtimestamp(claims["exp"], UTC)
    profiles = ", ".join(claims["profiles"]) or "no profile"
    return f"{made['name']} {made['version']} as a {claims['role']} for {profiles}, until {ends:%Y-%m-%d}"


@certificate.command("countersign", epilog=EPILOG)
@click.argument("file", type=GIVEN)
@_evidence
@click.option("--registry-key", type=GIVEN, required=True, help="The registry's private key (JWK).")
@click.option("--out", type=FILE, required=True)
def countersign_(
    file: Path, keys: tuple[Path, ...], url: str, registry_key: Path, out: Path, **shown: Any
) -> None:
    """As a registry: judge the run of the claim in FILE again and, if all of it holds, countersign."""
    if not shown["transcript"] or not shown["report"]:
        raise click.UsageError("A registry countersigns what it has judged: give --transcript and --report.")
    claim = _read(file)
    result = asyncio.run(verified(claim, Evidence(signers=_trusted(keys) if keys else None, **shown), url))
    _show(result)
    if result.standing == "invalid" or not result.judged_alike:
        _stop("not countersigned", 1)
    out.write_text(countersigned(claim, _key(registry_key), datetime.now(UTC)) + "\n", "utf-8")
    click.echo(f"{out}: countersigned")


@certificate.command(epilog=EPILOG)
@click.argument("file", type=GIVEN)
def show(file: Path) -> None:
    """Print what the certificate in FILE says, once its signatures hold."""
    found = _read(file)
    data = {
        "signer": found.signer,
        "registry": found.registry and found.registry.signer,
        "claims": found.claims,
    }
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


@certificate.command(epilog=EPILOG)
@click.argument("folder", type=FOLDER)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the page."
)
@click.option("--registry-key", "registries", type=GIVEN, multiple=True, help="Keys of the registry (JWKS).")
def page(folder: Path, out: Path, registries: tuple[Path, ...]) -> None:
    """Make a static registry page of the certificates (*.jws) in FOLDER. Exits 1 when some were left out."""
    listed, refused = pages.gather(folder, _trusted(registries), datetime.now(UTC))
    pages.write(listed, refused, out, datetime.now(UTC))
    for name, why in refused.items():
        click.echo(f"left out: {name}: {why}", err=True)
    click.echo(f"{out / 'index.html'}: {len(listed)} certificates")
    sys.exit(int(bool(refused)))
