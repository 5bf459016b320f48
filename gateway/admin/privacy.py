"""`buyer export`, `buyer erase` and `retention`: what is held about buyers, handed out and forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gateway.admin.context import Desk, call, desk, table
from gateway.admin.ports import Store
from gateway.core import contacts, erasure, receipts, retention
from gateway.core.errors import ProtocolError
from gateway.core.export import Export
from gateway.core.model import Json
from gateway.core.model_consent import ConsentRecord
from gateway.core.model_identity import Account
from gateway.core.privacy import DataUse


@click.command(epilog="Example:\n\n  vgcp gateway buyer export buy_… mia.zip")
@click.argument("account_id")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@desk
def export(at: Desk, account_id: str, file: Path) -> None:
    """Write all that is held about the buyer with this account, over all channels, as a ZIP archive. Never goods."""

    async def work(store: Store) -> int:
        together = await _together(store, account_id)
        names = {one.id: one.name for one in await store.queries.channels()}

        async def reached(account: Account) -> list[Json]:
            return contacts.in_full(store.vault, await store.queries.contacts(account.id))

        made = Export(
            source=store.queries,
            own=None,
            accounts=together,
            names=names,
            uses=DataUse(""),
            proved={one.id for one in together},
            now=datetime.now(UTC),
            receipt=_receipt,
            contacts=reached,
        )
        size = 0
        with file.open("wb") as out:
            async for piece in made.stream():
                size += out.write(piece)
        return size

    size = at.work(work)
    at.answer({"file": str(file), "bytes": size}, f"{file}: {size:,} bytes.")


@click.command(epilog="Example:\n\n  vgcp gateway buyer erase buy_… --all-channels")
@click.argument("account_id")
@click.option("--all-channels", is_flag=True, help="Every account of the buyer, not this one alone.")
@desk
def erase(at: Desk, account_id: str, all_channels: bool) -> None:
    """Forget a buyer as her channel would. Her orders stay, without her name; refused while one is not settled."""

    async def work(store: Store) -> Json:
        account = next(one for one in await _together(store, account_id) if one.id == account_id)
        chosen = await _together(store, account_id) if all_channels else [account]
        held: list[str] = []
        for one in chosen:
            erasure.refuse_under_way(await store.erasing.under_way(one.channel_id, one.subject))
            held += await store.erasing.held(one.channel_id, one.subject)
        by, scope = (
            replace(call(), channel_id=account.channel_id),
            "all_channels" if all_channels else "this_channel",
        )
        ids = {one.id for one in chosen}
        begun = await store.run(
            lambda books: erasure.erase_buyer(books, store.vault, by, account_id, scope, held, ids)
        )
        eraser = at.backend.eraser(store, retention.DAYS)
        for made in begun:
            await eraser.finish(made, by.now)
        return erasure.render_erasure(begun[0])

    done = at.work(work)
    kept = ", ".join(f"{one['what']} ({one['why']})" for one in done["kept"])
    at.answer(done, f"{account_id} is erased. Kept without a name: {kept}.")


@click.command(
    "retention",
    epilog="Examples:\n\n  vgcp gateway retention --dry-run\n\n  vgcp gateway retention --days fulfilment=730",
)
@click.option(
    "--days", default="", envvar="VGCP_RETENTION", metavar="PURPOSE=DAYS,…", help="As `serve --retention`."
)
@click.option("--dry-run", is_flag=True, help="Say what is old enough, and change nothing.")
@desk
def apply_retention(at: Desk, days: str, dry_run: bool) -> None:
    """Forget now what has been kept for long enough; a running gateway does so every hour."""
    try:
        periods = retention.parse(days)
    except ValueError as error:
        raise click.UsageError(f"--days: {error}") from error

    async def work(store: Store) -> dict[str, int]:
        return dict(await at.backend.eraser(store, periods).forget_old(datetime.now(UTC), dry_run))

    found = at.work(work)
    rows: list[tuple[Any, ...]] = [(name, periods[name], count) for name, count in found.items()]
    head = ("purpose", "days", "to be forgotten" if dry_run else "forgotten")
    at.answer({"dry_run": dry_run, "rows": found, "days": periods}, *table(head, rows))


async def _together(store: Store, account_id: str) -> list[Account]:
    found = list(await store.queries.together(account_id))
    if not found:
        raise ProtocolError("not_found", "There is no such account.")
    return found


def _receipt(record: ConsentRecord, channel: str) -> Json:
    """For the merchant a receipt is not signed: it is the merchant's own record."""
    return receipts.render_receipt(record, channel)
