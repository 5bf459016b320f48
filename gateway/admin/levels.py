"""`stock set`: safety stock, thresholds and limits of a product."""

from __future__ import annotations

from typing import Any

import click

from gateway.admin.catalogue import product_id
from gateway.admin.context import Desk, call, desk
from gateway.admin.ports import Store
from gateway.core import catalog, stock
from gateway.core.model import Json, Offer, Stock
from gateway.core.model_identity import TIER
from gateway.core.ports import Books

MOST = 1_000_000
COUNT = click.IntRange(0, MOST)
DAYS = click.IntRange(1, 366)


@click.command(
    "set",
    epilog="Examples:\n\n  vgcp stock set GAME-1 --safety 20 --low 100\n\n"
    "  vgcp stock set GAME-1 --purchase-limit 2 --purchase-days 30 --purchase-tier gold=5\n\n"
    "  vgcp stock set GAME-1 --channel-limit 500 --channel-days 1\n\n"
    "  vgcp stock set GAME-1 --consistency allotment\n\n"
    "  vgcp stock set GAME-1 --channel chn_0123456789abcdefghjkmnpqrs --channel-limit 50",
)
@click.argument("product")
@click.option("--low", type=COUNT, help="At so many units or fewer it is low.")
@click.option("--safety", type=COUNT, help="Units kept back from sale, for replacements.")
@click.option("--purchase-limit", type=COUNT, help="Units that one buyer may buy.")
@click.option("--purchase-days", type=DAYS, help="In so many days; default: over all time.")
@click.option(
    "--purchase-tier",
    "purchase_tiers",
    multiple=True,
    metavar="TIER=UNITS",
    callback=lambda _context, _option, given: dict(map(_tier, given)),
    help="Another limit for buyers of this tier; repeatable.",
)
@click.option("--no-purchase-limit", is_flag=True, help="As many as they like.")
@click.option("--channel-limit", type=COUNT, help="Units that each channel may sell.")
@click.option("--channel-days", type=DAYS, help="In so many days; default: over all time.")
@click.option("--no-channel-limit", is_flag=True, help="As many as they like.")
@click.option(
    "--consistency",
    type=click.Choice(["strict", "allotment"]),
    help="allotment: channels may lease of it and sell while cut off. What is leased stays so.",
)
@click.option("--channel", help="Only for the channel with this client_id.")
@desk
def set_(at: Desk, product: str, low: int | None, safety: int | None, **wish: Any) -> None:
    """Set what is kept back of a product, when it is low, and how much a buyer or a channel may have.

    What is not named stays as it is. Limits count what is sold from now on; an import replaces those of its file.
    """
    _check(wish)

    async def change(store: Store) -> tuple[Offer, Stock]:
        names = {product, product_id(product)}
        found = [
            one
            for one in await store.queries.offers()
            if one.status != "deleted" and names & {one.id, one.product["id"]}
        ]
        if len(found) != 1:
            raise click.ClickException(f"{len(found)} offers are called {product!r}: see `vgcp stock list`.")
        if wish["channel"] and wish["channel"] not in {one.id for one in await store.queries.channels()}:
            raise click.ClickException(
                f"there is no channel {wish['channel']!r}: see `vgcp gateway channel list`."
            )
        return await store.run(lambda books: _set(books, found[0].id, low, safety, wish))

    offer, kept = at.work(change)
    value = {
        "offer": offer.id,
        "product": offer.product["id"],
        "low_threshold": kept.low_threshold,
        "safety_stock": kept.safety,
        "consistency": offer.consistency,
        "restrictions": offer.restrictions or {},
        "channel_limits": offer.channel_limits or {},
    }
    at.answer(value, *(f"{name:<16} {text}" for name, text in value.items()))


def _check(wish: dict[str, Any]) -> None:
    for scope in ("purchase", "channel"):
        given = wish[f"{scope}_limit"] is not None
        if given and wish[f"no_{scope}_limit"]:
            raise click.UsageError(f"either --{scope}-limit or --no-{scope}-limit.")
        if wish[f"{scope}_days"] is not None and not given:
            raise click.UsageError(f"--{scope}-days needs --{scope}-limit.")
    if wish["purchase_tiers"] and wish["purchase_limit"] is None:
        raise click.UsageError("--purchase-tier needs --purchase-limit.")
    if wish["channel"] and wish["channel_limit"] is None and not wish["no_channel_limit"]:
        raise click.UsageError("--channel needs --channel-limit or --no-channel-limit.")


def _set(
    books: Books, offer_id: str, low: int | None, safety: int | None, wish: dict[str, Any]
) -> tuple[Offer, Stock]:
    """A rule: all of it or nothing."""
    by = call()
    offer = books.get(Offer, offer_id)
    if offer is None:
        raise LookupError(f"offer {offer_id} is gone")
    restrictions, own = dict(offer.restrictions or {}), dict(offer.channel_limits or {})
    _limit(
        restrictions,
        "purchase_limit",
        wish["purchase_limit"],
        wish["purchase_days"],
        wish["no_purchase_limit"],
        wish["purchase_tiers"],
    )
    place, name = (own, wish["channel"]) if wish["channel"] else (restrictions, "channel_limit")
    _limit(place, name, wish["channel_limit"], wish["channel_days"], wish["no_channel_limit"])
    changes: Json = {"restrictions": restrictions or None, "channel_limits": own or None}
    if wish["consistency"]:
        changes["consistency"] = wish["consistency"]
    changed = catalog.change_offer(books, by, offer_id, changes)
    return changed, stock.set_levels(books, by, changed.stock_id, low, safety)


def _limit(
    place: Json, name: str, quantity: int | None, days: int | None, none: bool, tiers: Json | None = None
) -> None:
    if none:
        place.pop(name, None)
    elif quantity is not None:
        given = {"quantity": quantity, "days": days, "tiers": tiers}
        place[name] = {part: value for part, value in given.items() if value or part == "quantity"}


def _tier(given: str) -> tuple[str, int]:
    """A tier and its limit, of `gold=5`."""
    tier, _, units = given.partition("=")
    if not TIER.fullmatch(tier) or not units.isdecimal() or int(units) > MOST:
        raise click.BadParameter(f"{given!r} is not like gold=5.")
    return tier, int(units)
