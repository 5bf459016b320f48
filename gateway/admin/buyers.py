"""`buyer show`, `buyer tier` and `buyer unlink`: who was joined with whom, by what, and how to undo it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from gateway.admin.context import Desk, call, desk, table
from gateway.admin.ports import Store
from gateway.core import identity, links, wire
from gateway.core.errors import ProtocolError
from gateway.core.model import Json
from gateway.core.model_identity import TIER, Account, BuyerChange, Link

ACCOUNTS = ("account", "channel", "subject", "created_at")
LINKS = ("link", "account", "kind", "status", "confirmed_at", "joins")
CHANGES = ("at", "what", "asked_by", "account", "link", "before", "after")
Found = tuple[Sequence[Account], Sequence[Link], Sequence[BuyerChange]]


@click.group()
def buyer() -> None:
    """Buyers over all channels: look at one, set her tier, undo a wrong link."""


@buyer.command(
    epilog="Examples:\n\n  vgcp gateway buyer show buy_…\n\n  vgcp gateway buyer show chn_… user-4711 --json"
)
@click.argument("account_or_channel")
@click.argument("subject", required=False)
@desk
def show(at: Desk, account_or_channel: str, subject: str | None) -> None:
    """A buyer by one of her accounts: its id, or a channel and that channel's own name for her.

    Her accounts, their links, and all that has joined or split them. Addresses are not shown.
    """

    async def look(store: Store) -> Found:
        account_id = account_or_channel
        if subject is not None:
            named = await store.queries.account_named(account_or_channel, subject)
            account_id = named.id if named else ""
        together = await store.queries.together(account_id)
        if not together:
            raise ProtocolError("not_found", "There is no such account.")
        changes = await store.queries.buyer_changes(account_id)
        return together, await store.queries.all_links(account_id), changes

    together, known, changes = at.work(look)
    tier = identity.tier_of(together)
    rows = [(one.id, one.channel_id, one.subject, _day(wire.timestamp(one.created_at))) for one in together]
    edges = [_edge(one) for one in known]
    past = [_change(one) for one in changes]
    answer = {
        "tier": tier,
        "accounts": [dict(zip(ACCOUNTS, row, strict=True)) for row in rows],
        "links": [dict(zip(LINKS, row, strict=True)) for row in edges],
        "changes": past,
    }
    lines = [tuple(_short(one[name]) for name in CHANGES) for one in past]
    at.answer(
        answer,
        f"tier: {tier}",
        "",
        *table(ACCOUNTS, rows),
        "",
        *table(LINKS, edges),
        "",
        *table(CHANGES, lines),
    )


@buyer.command(epilog="Example:\n\n  vgcp gateway buyer tier buy_… gold")
@click.argument("account_id")
@click.argument("tier")
@desk
def tier(at: Desk, account_id: str, tier: str) -> None:
    """Set the tier of the buyer with this account, on all her channels; `standard` takes it back."""
    if not TIER.fullmatch(tier):
        raise click.UsageError("a tier is a word of small letters, digits and underscores.")
    by = call()

    async def decide(store: Store) -> list[Account]:
        return await store.run(lambda books: identity.set_tier(books, by, account_id, tier))

    ids = [one.id for one in at.work(decide)]
    at.answer({"tier": tier, "accounts": ids}, f"{', '.join(ids)}: {tier}.")


@buyer.command(epilog="Example:\n\n  vgcp gateway buyer unlink lnk_…")
@click.argument("link_id")
@desk
def unlink(at: Desk, link_id: str) -> None:
    """Undo a link that was wrong. What it alone has joined is apart again, and the channels are told."""
    by = call()

    async def decide(store: Store) -> Link:
        return await store.run(lambda books: links.undo_link(books, store.vault, by, link_id))

    link = at.work(decide)
    at.answer({"link": link.id, "status": link.status}, f"{link.id} is {link.status}.")


def _edge(link: Link) -> tuple[str, ...]:
    confirmed = _day(wire.timestamp(link.confirmed_at)) if link.confirmed_at else "-"
    joins = link.peer_account_id or link.identifier_id or "-"
    return link.id, link.account_id, link.kind, link.status, confirmed, joins


def _change(one: BuyerChange) -> Json:
    what = one.kind if one.note is None else f"{one.kind} {one.note}"
    values = (wire.timestamp(one.at), what, one.channel_id or "merchant", one.account_id, one.link_id)
    return {
        **dict(zip(CHANGES, values, strict=False)),
        "before": one.before,
        "after": one.after,
        "trace_id": one.trace_id,
    }


def _day(moment: str) -> str:
    return moment[:19] + "Z"


def _short(value: object) -> str:
    """Sets of accounts by their sizes: a line has no room for their names."""
    if isinstance(value, list):
        return " + ".join(str(len(part)) for part in value)
    return str(value or "-")
