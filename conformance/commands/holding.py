"""`vgcp ownership key` and `present`: a key that certificates are bound to, and what their holder shows with it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from conformance import holding, jose
from conformance.sd_jwt import Shown

FILE = click.Path(dir_okay=False, path_type=Path)
MAKING = """\b
Exit codes: 0 it is made, 1 it cannot be written or FILE exists already, 2 the command is wrong.

\b
Examples:
  vgcp ownership key holder.jwk
  vgcp ownership key holder.jwk | pbcopy
"""
SHOWING = """\b
Exit codes: 0 it is written, 1 it cannot be shown like this, 2 the command is wrong.

\b
Examples:
  vgcp ownership present certificate.txt --show product_name --out shown.txt
  vgcp ownership present certificate.txt --show all
  vgcp ownership present certificate.txt --show product_name --show channel --key holder.jwk --nonce n-42 --audience https://venue.example
"""


@click.command(epilog=MAKING)
@click.argument("file", type=FILE)
def key(file: Path) -> None:
    """Make a key to bind certificates to. FILE is for you alone: whoever has it passes for you.

    What is printed is its public half: paste it in the shop where you get a certificate.
    """
    made = holding.new_key()
    try:
        jose.write_private(made, file)
    except FileExistsError as error:
        raise click.ClickException(
            f"{file} exists already, and is not replaced; name another file"
        ) from error
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
    click.echo(json.dumps(holding.public(made)))
    click.echo(f"The private key is in {file}: keep it secret. The line above is for the shop.", err=True)


@click.command(epilog=SHOWING)
@click.argument("certificate", type=click.File("r", encoding="utf-8", errors="replace"))
@click.option("--show", multiple=True, metavar="NAME", help="A claim to show, or all; may be given again.")
@click.option("--key", "key_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="The private key that it is bound to, from `vgcp ownership key`.")  # fmt: skip
@click.option("--nonce", default="", help="What whoever wants to see it gave you to sign.")
@click.option("--audience", default="", metavar="URL", help="Who wants to see it.")
@click.option("--out", type=FILE, help="Where to write it, in place of standard output.")
@click.option("--json", "as_json", is_flag=True, help="Say it for programs.")
def present(
    certificate: Any,
    show: tuple[str, ...],
    key_file: Path | None,
    nonce: str,
    audience: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """Show of the CERTIFICATE in a file (- for standard input) what you name, and keep everything else back.

    One that is bound to a key is shown with a proof that the key is yours, good for one nonce and ten minutes.
    """
    try:
        whole = holding.certificate(certificate.read())
        shown = holding.showing(whole, _known(whole, show))
        if key_file or nonce or audience or holding.bound(whole):
            shown = holding.proven(shown, *_asked(key_file, nonce, audience), time.time())
    except holding.RefusedError as error:
        raise click.ClickException(f"{certificate.name}: {error}") from error
    if out is not None:
        _write(out, holding.written(shown), [certificate.name, key_file])
    _say(shown, whole, out, as_json)


def _known(whole: Shown, show: tuple[str, ...]) -> tuple[str, ...]:
    for name in show:
        if name not in (holding.ALL, *holding.names(whole)):
            there = _listed([*holding.names(whole), holding.ALL])
            raise click.BadParameter(f"it has no {_plain(name)}; there are {there}", param_hint="--show")
    return show


def _asked(key_file: Path | None, nonce: str, audience: str) -> tuple[holding.Key, str, str]:
    """What a proof needs, all of it."""
    if key_file is None or not nonce or not audience:
        raise click.UsageError(
            "To prove that it is yours, give --key with your key, and --nonce and --audience as whoever wants "
            "to see it told you; a certificate that is bound to a key is not shown without."
        )
    try:
        return holding.read_key(key_file), nonce, audience
    except jose.UnreadableError as error:
        raise click.BadParameter(str(error), param_hint="--key") from None


def _write(out: Path, text: str, kept: list[Any]) -> None:
    """Never over the certificate or the key: what they have is nowhere else."""
    if out.exists() and any(one and Path(one).exists() and out.samefile(one) for one in kept):
        raise click.BadParameter(f"{out} is not replaced; name another file", param_hint="--out")
    try:
        out.write_text(text + "\n", "utf-8")
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}") from error


def _say(shown: Shown, whole: Shown, out: Path | None, as_json: bool) -> None:
    """The presentation on standard output, and what is in it beside that."""
    seen = holding.names(shown)
    back = [name for name in holding.names(whole) if name not in seen]
    text, proven = holding.written(shown), bool(shown.key_binding)
    if as_json:
        told = {"presentation": text, "shown": seen, "kept_back": back, "holder_proven": proven}
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    click.echo(f"{out}: show this file" if out else text)
    click.echo(f"  shown: {_listed(seen)}", err=True)
    click.echo(f"  kept back: {_listed(back)}", err=True)
    click.echo(f"  your key: {'proven' if proven else 'not proven'}", err=True)


def _listed(claims: list[str]) -> str:
    return ", ".join(map(_plain, claims)) or "nothing"


def _plain(name: str) -> str:
    """What a terminal would act on is escaped: a certificate may be anybody's."""
    return name if name.isprintable() else json.dumps(name)
