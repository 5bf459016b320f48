"""`stock`."""

from __future__ import annotations

import click

from gateway.admin.context import Desk, desk, table
from gateway.admin.ports import Store
from gateway.core.model import Offer, Stock

HEAD = (
    "offer", "product", "status", "kind", "received", "available", "reserved", "allotted", "sold", "voided", "safety",
    "consistency", "limits",
)  # fmt: skip


@click.command(epilog="Examples:\n\n  vgcp stock list\n\n  vgcp gateway stock --low --json")
@click.option("--low", is_flag=True, help="Only what is running out or has run out.")
@desk
def stock(at: Desk, low: bool) -> None:
    """What is on sale, and how much of it there is. Unlimited stock counts what was handed out as received."""

    async def look(store: Store) -> tuple[list[Offer], dict[str, Stock]]:
        return list(await store.queries.offers()), {one.id: one for one in await store.queries.stocks()}

    offers, stocks = at.work(look)
    rows = [
        (offer.id, offer.product["id"], offer.status, kept.kind,
         kept.received, kept.available, kept.reserved, kept.allotted, kept.sold, kept.voided,
         kept.safety, offer.consistency, _limits(offer))
        for offer in offers
        if offer.status != "deleted" and (not low or offer.availability != "in_stock")
        for kept in [stocks[offer.stock_id]]
    ]  # fmt: skip
    at.answer([dict(zip(HEAD, row, strict=True)) for row in rows], *table(HEAD, rows))


def _limits(offer: Offer) -> str:
    """As `buyer 2/30d gold=5, channel 500/1d, chn_… 50`; a dash where there are none."""
    given = offer.restrictions or {}
    named = {"buyer": given.get("purchase_limit"), "channel": given.get("channel_limit")}
    found = {name: limit for name, limit in {**named, **(offer.channel_limits or {})}.items() if limit}
    texts = [
        f"{name} {one['quantity']}"
        + (f"/{one['days']}d" if "days" in one else "")
        + "".join(f" {tier}={units}" for tier, units in one.get("tiers", {}).items())
        for name, one in found.items()
    ]
    return ", ".join(texts) or "-"
