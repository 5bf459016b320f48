"""`vgcp supplies …`: units that suppliers make, and those of which nobody knows whether they are made."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import click

from gateway.admin.context import Desk, call, desk, table
from gateway.admin.ports import Store
from gateway.core import supplies as rules
from gateway.core import wire
from gateway.core.model import Call, Json
from gateway.core.model_supplies import Supply
from gateway.core.ports import Books

HEAD = ("supply", "order", "supplier", "state", "attempts", "created_at", "last_error")


@click.command(
    "list",
    epilog="Examples:\n\n  vgcp supplies list\n\n  vgcp supplies list --all --limit 20\n\n"
    "  vgcp supplies list --json | jq -r '.[].supply'",
)
@click.option("--all", "everything", is_flag=True, help="In whatever state, newest first.")
@click.option(
    "--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="How many at most."
)
@desk
def list_(at: Desk, everything: bool, limit: int) -> None:
    """Units that need your decision: asked for, and the supplier neither confirms nor denies that it made them."""

    async def look(store: Store) -> Sequence[Supply]:
        return await (store.supplies.newest(limit) if everything else store.supplies.parked(limit))

    found = at.work(look)
    rows = [
        (one.id, one.order_id, one.supplier, one.state, one.attempts,
         wire.timestamp(one.created_at)[:19] + "Z", one.last_error or "-")
        for one in found
    ]  # fmt: skip
    at.answer([_plain(one) for one in found], *table(HEAD, rows))


@click.command(epilog="Example:\n\n  vgcp supplies retry sup_0123456789abcdefghjkmnpqrs")
@click.argument("supply_id")
@desk
def retry(at: Desk, supply_id: str) -> None:
    """Look after a parked unit again: its supplier is asked what became of it, and to make it if it has not.

    Exit code 1 when it is not parked.
    """
    _decide(
        at, supply_id, lambda books, by: rules.retry_supply(books, by, supply_id), "is looked after again."
    )


@click.command(
    epilog="Example:\n\n  vgcp supplies refuse sup_0123456789abcdefghjkmnpqrs --reason 'not charged'"
)
@click.argument("supply_id")
@click.option(
    "--reason", default="The supplier says that it is not made.", help="For the books: nothing personal."
)
@desk
def refuse(at: Desk, supply_id: str, reason: str) -> None:
    """The supplier has told you that a parked unit is not made and will not be: the buyer gets the money back.

    Exit code 1 when it is not parked.
    """

    def decide(books: Books, by: Call) -> None:
        rules.parked(books, supply_id)
        rules.note_refused(books, by, supply_id, reason)

    _decide(at, supply_id, decide, "is given up; its refund is instructed when its order ends.")


@click.command(epilog="Example:\n\n  vgcp supplies deliver sup_0123456789abcdefghjkmnpqrs < code.txt")
@click.argument("supply_id")
@desk
def deliver(at: Desk, supply_id: str) -> None:
    """The supplier has given you what it made for a parked unit: its first line is read from standard input.

    Exit code 1 when it is not parked, or when another buyer has these goods.
    """
    goods = sys.stdin.readline().rstrip("\r\n")
    if not goods:
        raise click.UsageError(
            "the goods are read from standard input, so that no history of a shell has them."
        )

    async def hand_over(store: Store) -> None:
        def decide(books: Books) -> None:
            rules.parked(books, supply_id)
            rules.note_made(books, store.vault, call(), supply_id, goods)

        await store.run(decide)

    at.work(hand_over)
    at.answer({"supply": supply_id}, f"{supply_id} is delivered.")


def _decide(at: Desk, supply_id: str, rule: Callable[[Books, Call], object], said: str) -> None:
    async def decide(store: Store) -> None:
        by = call()
        await store.run(lambda books: rule(books, by))

    at.work(decide)
    at.answer({"supply": supply_id}, f"{supply_id} {said}")


def _plain(one: Supply) -> Json:
    return {
        "supply": one.id,
        "order": one.order_id,
        "line": one.line_id,
        "unit": one.unit,
        "offer": one.offer_id,
        "supplier": one.supplier,
        "state": one.state,
        "attempts": one.attempts,
        "created_at": wire.timestamp(one.created_at),
        "updated_at": wire.timestamp(one.updated_at),
        "last_error": one.last_error,
        "trace_id": one.trace_id,
    }


SUPPLIES_COMMANDS: list[click.Command] = [list_, retry, refuse, deliver]
