"""`migrate`, `audit` and `orders`."""

from __future__ import annotations

import sys
from typing import Any

import click

from gateway.admin.context import Desk, desk, shown, table
from gateway.admin.ports import Discrepancy, Store

ORDERS = 50


@click.command(epilog="Example:\n\n  vgcp gateway migrate --database postgresql://vgcp@db/vgcp")
@desk
def migrate(at: Desk) -> None:
    """Make the schema, or bring it up to date. Harmless when it is; `serve` does it too."""
    before = at.backend.is_current(at.database)
    at.backend.migrate(at.database)
    note = "was up to date" if before else "is up to date now"
    at.answer({"migrated": not before}, f"{shown(at.database)} {note}.")


@click.command(epilog="Example:\n\n  vgcp gateway audit --json || page-somebody")
@desk
def audit(at: Desk) -> None:
    """Do the books balance? Exit code 1 when they do not.

    Counters against movements, holds and units; every sold code against its one delivery. What a gateway that trades
    changes in between is looked at again before it is reported.
    """

    async def look(store: Store) -> tuple[list[Discrepancy], dict[str, int], int]:
        found = list(await store.audit())
        for _ in range(3):
            if not found:
                break
            again = {(one.subject, one.what) for one in found}
            found = [one for one in await store.audit() if (one.subject, one.what) in again]
        return found, await store.totals(), len(await store.queries.stocks())

    found, totals, stocks = at.work(look)
    twice = sum(one.what == "deliveries of the unit" for one in found)
    at.answer(
        {
            "balanced": not found,
            "discrepancies": [_plain(one) for one in found],
            "stocks": stocks,
            "units_received": totals["received"],
            "units_available": totals["available"],
            "units_reserved": totals["reserved"],
            "units_allotted": totals["allotted"],
            "units_sold": totals["sold"],
            "units_voided": totals["voided"],
            "codes_delivered": totals["codes_delivered"],
            "codes_delivered_twice": twice,
            "deliveries_opened": totals["deliveries_opened"],
        },
        *(f"{one.subject}: {one.what} should be {one.expected:,} and is {one.found:,}" for one in found),
        f"{stocks:,} stocks: {totals['received']:,} received = {totals['available']:,} available"
        f" + {totals['reserved']:,} reserved + {totals['allotted']:,} allotted + {totals['sold']:,} sold"
        f" + {totals['voided']:,} voided",
        "The books balance."
        if not found
        else "The books do NOT balance. Stop selling what is named above first.",
    )
    if found:
        sys.exit(1)


@click.command(epilog="Example:\n\n  vgcp gateway orders --limit 5")
@click.option(
    "--limit", default=ORDERS, show_default=True, type=click.IntRange(1, 10_000), help="How many at most."
)
@desk
def orders(at: Desk, limit: int) -> None:
    """The newest orders of all channels."""

    async def look(store: Store) -> tuple[Any, dict[str, str]]:
        names = {channel.id: channel.name for channel in await store.queries.channels()}
        return await store.queries.newest_orders(limit), names

    found, names = at.work(look)
    rows = [
        (row.id, names.get(row.channel_id, row.channel_id), row.reference, row.status, row.total_amount, row.currency,
         row.created_at.isoformat(timespec="seconds"))
        for row in found
    ]  # fmt: skip
    head = ("order", "channel", "reference", "status", "total", "currency", "created_at")
    at.answer([dict(zip(head, row, strict=True)) for row in rows], *table(head, rows))


def _plain(one: Discrepancy) -> dict[str, Any]:
    return {"subject": one.subject, "what": one.what, "expected": one.expected, "found": one.found}
