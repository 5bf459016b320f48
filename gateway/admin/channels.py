"""`channel add`, `channel list`, `channel rotate`."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import click

import spec
from gateway.admin.context import Desk, call, desk, table
from gateway.admin.ports import Store
from gateway.core import clients
from gateway.core.model import Channel

EVENTS = "/vgcp/v1/events"  # where the channel document puts them, for a channel that is not up yet
SCHEMES = ("standard_webhooks", "rfc9421")
TIMEOUT = 5  # seconds
SIZE_LIMIT = 256 * 1024


@click.group()
def channel() -> None:
    """Who may sell: add, list, change secrets."""


@channel.command(
    epilog='Examples:\n\n  vgcp gateway channel add "My shop" --url https://shop.example\n\n'
    '  vgcp gateway channel add "Price robot" --scope catalog --json'
)
@click.argument("name")
@click.option(
    "--url", help="The channel's origin: its discovery document says where and how it takes events."
)
@click.option(
    "--scheme", type=click.Choice(SCHEMES), help="How events are signed; default: as the channel says."
)
@click.option("--scope", "scopes", multiple=True, help="May be given several times; default: all.")
@click.option("--jwks", type=click.File("rb"), help="The channel's public keys, for private_key_jwt.")
@click.option(
    "--max-holds", default=10_000, show_default=True, type=click.IntRange(1), help="Units held at once."
)
@click.option(
    "--max-holds-per-buyer", default=100, show_default=True, type=click.IntRange(1), help="And per buyer."
)
@click.option("--rate", default=60_000, show_default=True, type=click.IntRange(1), help="Requests a minute.")
@desk
def add(at: Desk, name: str, url: str | None, scheme: str | None, **options: Any) -> None:
    """Register a channel and print its credentials. They are shown once."""
    events_url, says = _events(url) if url else (None, None)
    jwks = json.load(options["jwks"]) if options["jwks"] else None
    wish = clients.NewClient(
        name=name,
        scopes=options["scopes"] or clients.SCOPES,
        jwks=jwks,
        events_url=events_url,
        signature_scheme=scheme or says or SCHEMES[0],
        max_open_holds=options["max_holds"],
        max_open_holds_per_buyer=options["max_holds_per_buyer"],
        rate_limit_per_minute=options["rate"],
    )

    async def register(store: Store) -> clients.Credentials:
        return await store.run(lambda books: clients.register_client(books, store.vault, call(), wish))

    _show(at, at.work(register))


@channel.command("list", epilog="Example:\n\n  vgcp gateway channel list --json")
@desk
def list_(at: Desk) -> None:
    """All channels, without their secrets."""

    async def look(store: Store) -> list[Channel]:
        return list(await store.queries.channels())

    found = at.work(look)
    head = ("client_id", "name", "active", "scopes", "events_url", "signature_scheme")
    rows = [
        (one.id, one.name, "yes" if one.active else "no", " ".join(one.scopes), one.events_url or "-",
         one.signature_scheme)
        for one in found
    ]  # fmt: skip
    values = [{**dict(zip(head, row, strict=True)), "active": one.active, "events_url": one.events_url,
               "scopes": list(one.scopes)} for one, row in zip(found, rows, strict=True)]  # fmt: skip
    at.answer(values, *table(head, rows))


@channel.command(epilog="Example:\n\n  vgcp gateway channel rotate chn_0123456789abcdefghjkmnpqrs")
@click.argument("client_id")
@desk
def rotate(at: Desk, client_id: str) -> None:
    """New secrets for a channel. The old ones are good for one more day, and events are signed with both."""

    async def renew(store: Store) -> clients.Credentials:
        return await store.run(lambda books: clients.rotate_secrets(books, store.vault, call(), client_id))

    _show(at, at.work(renew))


def _show(at: Desk, made: clients.Credentials) -> None:
    row = made.channel
    value = {
        "client_id": row.id,
        "client_secret": made.client_secret,
        "webhook_secret": made.webhook_secret,
        "name": row.name,
        "scopes": list(row.scopes),
        "events_url": row.events_url,
        "signature_scheme": row.signature_scheme,
    }
    at.answer(
        value,
        *(
            f"{name:<16} {' '.join(text) if isinstance(text, list) else text or '-'}"
            for name, text in value.items()
        ),
        "The secrets are shown this once. Hand them over by a safe way.",
    )


def _events(url: str) -> tuple[str, str | None]:
    """Where the channel takes events and how they are signed: by its discovery document, if it answers."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise click.BadParameter("must begin with https:// (or http:// for tests)", param_hint="--url")
    origin = url.rstrip("/")
    try:
        with urllib.request.urlopen(f"{origin}/.well-known/vgcp", timeout=TIMEOUT) as answer:  # noqa: S310
            document = json.loads(answer.read(SIZE_LIMIT))
    except (urllib.error.URLError, OSError, ValueError) as error:
        click.echo(
            f"{origin} does not answer yet ({type(error).__name__}): taking {EVENTS} for its events.",
            err=True,
        )
        return origin + EVENTS, None
    faults = spec.validator("Discovery").errors(document)
    if faults or "events" not in document.get("endpoints", {}):
        place = faults[0][0] if faults else "/endpoints/events"
        raise click.BadParameter(
            f"its discovery document is not valid at {place or 'its root'}", param_hint="--url"
        )
    return document["endpoints"]["events"], document.get("signature_scheme")
