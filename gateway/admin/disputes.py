"""`dispute list` and `dispute resolve`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from gateway.admin.context import Desk, call, desk, table
from gateway.admin.ports import Store
from gateway.core import aftersale
from gateway.core.model import Order

HEAD = ("order", "reference", "dispute", "reason", "amount", "currency", "opened_at")


@click.group()
def dispute() -> None:
    """What channels have reported as disputed, and what becomes of it."""


@dispute.command("list", epilog="Example:\n\n  vgcp gateway dispute list --json")
@desk
def list_disputes(at: Desk) -> None:
    """Orders that wait for a decision."""

    async def look(store: Store) -> Sequence[Order]:
        return await store.queries.disputed_orders()

    rows = [
        (order.id, order.reference, one["id"], one["reason"],
         one["amount"]["amount"], one["amount"]["currency"], one["created_at"])
        for order in at.work(look)
        for one in order.disputes
        if one["status"] == "open"
    ]  # fmt: skip
    at.answer([dict(zip(HEAD, row, strict=True)) for row in rows], *table(HEAD, rows))


@dispute.command(
    epilog="Examples:\n\n  vgcp gateway dispute resolve ord_… --dismiss\n\n"
    "  vgcp gateway dispute resolve ord_… --refund"
)
@click.argument("order_id")
@click.option(
    "--refund/--dismiss", default=None, help="Take the goods back and return the money, or neither."
)
@desk
def resolve(at: Desk, order_id: str, refund: bool | None) -> None:
    """Decide on an order's dispute. The channel is told by `order.updated`, and returns the money when it says so."""
    if refund is None:
        raise click.UsageError("say --refund or --dismiss.")
    by = call()

    async def decide(store: Store) -> Order:
        return await store.run(lambda books: aftersale.resolve_dispute(books, by, order_id, refund))

    order = at.work(decide)
    answer: dict[str, Any] = {"order": order.id, "status": order.status}
    if refund:
        amount = order.refunds[-1]["amount"]
        answer["refund"] = order.refunds[-1]
        told = f"The goods are voided; the channel is told to return {amount['amount']} {amount['currency']}."
    else:
        told = "The dispute is dismissed; the goods stay with the buyer."
    at.answer(answer, f"{order.id} is {order.status}. {told}")
