"""`vgcp ownership verify`: whether a certificate of ownership holds, offline with keys and list at hand."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import aiohttp
import click

from conformance import sd_jwt
from conformance.commands.holding import key, present
from conformance.fetching import whole

HELD, REFUSED, UNDECIDED = 0, 1, 3
UNREAD = (aiohttp.ClientError, TimeoutError, ValueError)  # of what could not be fetched
LIMIT = 8 << 20  # bytes of a key set or a list that are read
TIMEOUT = aiohttp.ClientTimeout(total=10)
EXAMPLES = """\b
Exit codes: 0 it holds, 1 it does not, 2 the command is wrong, 3 keys or status are not at hand, so nobody can say.

\b
Examples:
  vgcp ownership verify certificate.txt --keys jwks.json --status-list list.jwt
  vgcp ownership verify certificate.txt --gateway https://gateway.shop.example
  pbpaste | vgcp ownership verify - --keys jwks.json --status-list list.jwt --json
  vgcp ownership verify shown.txt --keys jwks.json --status-list list.jwt --nonce n-42 --audience https://venue.example
"""
WORDS = {
    "malformed": "it is no certificate",
    "type_unknown": "it is a statement of another kind",
    "key_unknown": "the keys at hand do not have the one that signed it",
    "signature_invalid": "its signature does not hold",
    "disclosure_invalid": "it shows claims that are not its own",
    "expired": "its time is over",
    "not_yet_valid": "its time has not come",
    "revoked": "it was revoked, used up or handed on",
    "suspended": "it is suspended",
    "status_unknown": "the list at hand does not say what has become of it",
    "holder_proof_missing": "whoever shows it has not proven to be its holder",
    "holder_proof_invalid": "the proof of its holder does not hold",
    "issuer_unknown": "another gateway issued it",
}
Json = dict[str, Any]


@click.group()
def ownership() -> None:
    """Certificates of ownership: what a buyer shows to prove that something is hers."""


@ownership.command(epilog=EXAMPLES)
@click.argument("file", type=click.File("r", encoding="utf-8", errors="replace"))
@click.option("--keys", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="The gateway's JWKS.")  # fmt: skip
@click.option("--status-list", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="The status list that the certificate names.")  # fmt: skip
@click.option(
    "--gateway",
    metavar="URL",
    help="Read what is not given, or is older than its ttl, from this gateway, and from no other.",
)
@click.option("--nonce", help="The holder has to have signed this, which you gave her.")
@click.option("--audience", metavar="URL", help="Likewise for whom she signed.")
@click.option("--json", "as_json", is_flag=True, help="Say it for programs.")
def verify(
    file: Any,
    keys: Path | None,
    status_list: Path | None,
    gateway: str | None,
    nonce: str | None,
    audience: str | None,
    as_json: bool,
) -> None:
    """Verify the certificate in FILE (- for standard input), as it was shown.

    With --keys and --status-list nobody is asked and nobody learns of it; a list that is older than its ttl still
    counts until its end, and the verdict says so.
    """
    text = file.read()
    known = _read(keys) if keys else None
    listed = status_list.read_text("utf-8", "replace") if status_list else None
    if known is None and gateway is None:
        raise click.UsageError("Give --keys, or --gateway to read them from.")
    fetched = False
    if gateway is not None:
        known, listed, fetched = asyncio.run(_fetched(gateway.rstrip("/"), text, known, listed))
    now = time.time()
    found = sd_jwt.verify(text, known or {}, now, listed, nonce, audience)
    if gateway is not None and found.claims and found.claims.get("iss") != gateway.rstrip("/"):
        found.reasons.append("issuer_unknown")
    if {*found.reasons} - {"key_unknown", "status_unknown"}:
        code = REFUSED
    else:
        code = UNDECIDED if found.reasons or found.status == "unknown" else HELD
    # the ttl of a copy begins when it is fetched; when that was is known of this one only
    stale = found.stale(now) and not fetched
    (_say_json if as_json else _say)(found, code, stale)
    sys.exit(code)


def _say_json(found: sd_jwt.Found, code: int, stale: bool) -> None:
    verdict = {HELD: True, REFUSED: False}.get(code)
    told = {
        "valid": verdict,
        "reasons": found.reasons,
        "status": found.status,
        "status_at": found.status_at,
        "status_ttl": found.status_ttl,
        "status_stale": stale,
        "holder_proven": found.holder_proven,
        "claims": found.claims,
    }
    click.echo(json.dumps(told, ensure_ascii=False))


def _say(found: sd_jwt.Found, code: int, stale: bool) -> None:
    head = {HELD: "It holds.", REFUSED: "It does NOT hold:", UNDECIDED: "Nobody can say:"}[code]
    click.echo(head)
    for reason in found.reasons:
        click.echo(f"  {WORDS.get(reason, reason)}")
    if code == UNDECIDED and not found.reasons:
        click.echo("  no status list is at hand; it may have been revoked or handed on")
    for name, value in found.claims.items():
        if name not in ("status", "cnf", "vct"):
            click.echo(f"  {name}: {_plain(name, value)}")
    if found.status_at is not None:  # since then it may have been handed on
        click.echo(f"  status as of: {_plain('iat', found.status_at)}")
    if stale:
        click.echo(
            f"  the status list is older than its ttl of {found.status_ttl:.0f} s: fetch it anew if you can"
        )
    if code == HELD and "cnf" in found.claims:
        click.echo(f"  shown by its holder: {'proven' if found.holder_proven else 'not proven'}")


def _plain(name: str, value: Any) -> str:
    if name in ("iat", "exp"):
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(value))
    # what a terminal would act on, or show as a line of its own, is escaped
    return value if isinstance(value, str) and value.isprintable() else json.dumps(value)


def _read(path: Path) -> Json:
    try:
        return _keys(path.read_bytes())
    except ValueError:
        _stop(f"{path.name} is no key set")


def _keys(raw: bytes) -> Json:
    """A key set. Raises ValueError."""
    try:
        found = json.loads(raw)
    except RecursionError as error:
        raise ValueError("it is no key set") from error
    if not isinstance(found, dict):
        raise ValueError("it is no key set")
    return found


def _stop(words: str) -> NoReturn:
    click.echo(f"Error: {words}", err=True)
    sys.exit(UNDECIDED)


async def _fetched(
    origin: str, text: str, keys: Json | None, listed: str | None
) -> tuple[Json, str | None, bool]:
    """What is not at hand, from the gateway, and whether the list is from there now. A list that a certificate says is
    elsewhere is not read; one at hand that is older than its ttl, or says nothing, is read anew if that can be."""
    fetched = False
    try:
        async with aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False) as session:
            if keys is None:
                keys = _keys(await _get(session, f"{origin}/vgcp/v1/oauth/jwks"))
            uri = _list_of(text)
            if uri.startswith(f"{origin}/") and (listed is None or _worn(text, keys, listed)):
                with suppress(*(UNREAD if listed is not None else ())):
                    new = (await _get(session, uri)).decode()
                    fetched = listed is None or _looked_up(text, keys, new).status != "status_unknown"
                    listed = new if fetched else listed
    except UNREAD as error:
        _stop(f"{origin} cannot be read: {str(error) or type(error).__name__}")
    return keys, listed, fetched


def _worn(text: str, keys: Json, listed: str) -> bool:
    found = _looked_up(text, keys, listed)
    return found.status == "status_unknown" or found.stale(time.time())


def _looked_up(text: str, keys: Json, listed: str) -> sd_jwt.Found:
    return sd_jwt.verify(text, keys, time.time(), listed)


async def _get(session: aiohttp.ClientSession, url: str) -> bytes:
    async with session.get(url, allow_redirects=False) as answer:
        answer.raise_for_status()
        return await whole(answer, LIMIT)


def _list_of(text: str) -> str:
    try:
        return str(sd_jwt.parsed(text).payload["status"]["status_list"]["uri"])
    except (sd_jwt.UnreadableError, KeyError, TypeError):
        return ""


@ownership.command(epilog="Example:\n\n  vgcp ownership page --out verify.html")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=Path("verify.html"),
              show_default=True, help="Where to write it.")  # fmt: skip
def page(out: Path) -> None:
    """Write the page that verifies certificates in a browser, offline, in English and Chinese: one file, to pass on."""
    source = Path(__file__).parents[1] / "templates" / "verify.html"
    try:
        out.write_text(source.read_text("utf-8"), "utf-8")
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}") from error
    click.echo(f"{out}: open it in a browser")


ownership.add_command(key)
ownership.add_command(present)
