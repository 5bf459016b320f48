"""`stock leases` and `stock recall`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from gateway.admin.context import Desk, call, desk, table
from gateway.admin.ports import Store
from gateway.core import allotments, wire
from gateway.core.model_allotments import Allotment

HEAD = (
    "allotment",
    "channel",
    "offer",
    "product",
    "quantity",
    "sold",
    "returned",
    "remaining",
    "status",
    "expires_at",
)


@click.command("leases", epilog="Examples:\n\n  vgcp stock leases\n\n  vgcp stock leases --json")
@desk
def leases_(at: Desk) -> None:
    """Stock that is leased to channels now, so that they can sell while they are cut off."""

    async def look(store: Store) -> Sequence[Allotment]:
        return await store.queries.open_allotments()

    rows = [
        (one.id, one.channel_id, one.offer_id, one.product_id, one.quantity, one.sold, one.returned, one.remaining,
         one.status, wire.timestamp(one.expires_at)[:19] + "Z")
        for one in at.work(look)
    ]  # fmt: skip
    at.answer([dict(zip(HEAD, row, strict=True)) for row in rows], *table(HEAD, rows))


@click.command(
    "recall", epilog="Examples:\n\n  vgcp stock recall alt_…\n\n  vgcp stock recall alt_… --grace 600"
)
@click.argument("allotment_id")
@click.option(
    "--grace",
    default=allotments.GRACE,
    show_default=True,
    type=click.IntRange(0, 30 * 86_400),
    help="Seconds in which the channel can still report what it has sold from it.",
)
@desk
def recall(at: Desk, allotment_id: str, grace: int) -> None:
    """Take a lease back. The channel is told by `allotment.recalled`; what remains at the end is on sale again."""
    by = call()

    async def decide(store: Store) -> Allotment:
        return await store.run(lambda books: allotments.recall_allotment(books, by, allotment_id, grace))

    lease = at.work(decide)
    ends = wire.timestamp(lease.expires_at)
    told = f"{lease.remaining} remain, until {ends}" if lease.remaining else "nothing remains of it"
    at.answer(wire.render_allotment(lease, by.now), f"{lease.id} is {lease.status}: {told}.")
