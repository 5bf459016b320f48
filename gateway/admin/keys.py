"""`keys add`, `keys rotate`, `keys renew`."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from gateway.admin.context import Desk, desk
from gateway.admin.ports import Store
from gateway.core.signing_keys import renew_signing_key


@click.group()
def keys() -> None:
    """The keys that encrypt codes and secrets: add one, restart the gateway, rotate."""


@keys.command(
    epilog="Example:\n\n  vgcp gateway keys add && systemctl restart vgcp && vgcp gateway keys rotate"
)
@desk
def add(at: Desk) -> None:
    """Put a fresh key in front in the key file. A gateway reads the file at its start."""
    if at.vault_keys:
        raise click.UsageError("the keys come from VGCP_VAULT_KEYS: put the new key in front there")
    try:
        key_id = at.backend.add_key(at.database, at.key_file)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    at.answer(
        {"key_id": key_id}, f"New key {key_id}. Restart the gateway, then run `vgcp gateway keys rotate`."
    )


@keys.command(
    epilog="Examples:\n\n  vgcp gateway keys rotate\n\n"
    '  VGCP_VAULT_KEYS="2026b:…,2026a:…" vgcp gateway keys rotate --database postgresql://vgcp@db/vgcp'
)
@desk
def rotate(at: Desk) -> None:
    """Encrypt anew, under the first key, all that is encrypted under others.

    First restart the gateway, so that it knows the new key. Works in small batches while the gateway sells; when it
    is interrupted, start it again. The last key of the ring must stay: the key that finds duplicate codes is derived
    from it.
    """

    async def renew(store: Store) -> tuple[int, str]:
        return await store.rotate(at.progress), store.vault.current_key_id

    count, current = at.work(renew)
    at.answer(
        {"resealed": count, "key_id": current}, f"{count:,} secrets encrypted anew; all are under {current}."
    )


@keys.command(epilog="Example:\n\n  vgcp gateway keys renew --database postgresql://vgcp@db/vgcp")
@desk
def renew(at: Desk) -> None:
    """Sign tokens and events with a new key, after two minutes; the old one stays published for thirty days.

    A running gateway learns of it by itself; nobody has to be told.
    """

    async def work(store: Store) -> str:
        known, now = await store.queries.signing_keys(), datetime.now(UTC)
        made = await store.run(lambda books: renew_signing_key(books, store.vault, now, known))
        return made.id

    key_id = at.work(work)
    at.answer({"key_id": key_id}, f"In two minutes tokens and events are signed with {key_id}.")
