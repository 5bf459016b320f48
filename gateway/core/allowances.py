"""What a buyer may still buy of what has a limit, as her profile shows it (IDN-050, IDN-052)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from gateway.core.limits import allowed, kept, subjects
from gateway.core.model import Json, Offer
from gateway.core.model_identity import Account
from gateway.core.model_limits import Counted, SaleCount
from gateway.core.rows import replace

MOST = 100  # of what a profile shows


def shown(counted: Counted, together: Sequence[Account], tier: str, now: datetime) -> list[Json]:
    """PurchaseAllowances, by product; `together` are all accounts of the buyer, and no other one is counted.

    Only sums leave here: what was bought where is no channel's business.
    """
    hers = set(subjects(together))
    counts: defaultdict[str, list[SaleCount]] = defaultdict(list)
    for row in counted.counts:
        if row.subject in hers:
            counts[row.product_id].append(row)
    found: dict[str, Json] = {}
    for offer in counted.offers:
        one = _allowance(offer, counts[offer.product_id], tier, now)
        if one and one["remaining"] <= found.get(offer.product_id, one)["remaining"]:
            found[offer.product_id] = one
    return [found[product] for product in sorted(found)[:MOST]]


def counting(counts: Sequence[SaleCount], offers: Sequence[Offer], now: datetime) -> list[SaleCount]:
    """What of these counts a limit of one of the offers still looks at; where several do, the one that sees most."""
    found = {}
    for row in counts:
        limits = [
            (one.restrictions or {}).get("purchase_limit")
            for one in offers
            if one.product_id == row.product_id
        ]
        seen = [kept(row, limit.get("days"), now) for limit in limits if limit]
        found[row.product_id] = max(
            seen, key=lambda one: one.quantity, default=replace(row, quantity=0, days={})
        )
    return [row for row in found.values() if row.quantity]


def _allowance(offer: Offer, counts: Sequence[SaleCount], tier: str, now: datetime) -> Json | None:
    """None for an offer without a limit, and where nothing counts (any more)."""
    limit = (offer.restrictions or {}).get("purchase_limit")
    used = sum(kept(row, limit.get("days"), now).quantity for row in counts) if limit else 0
    if not limit or not used:
        return None
    quantity = allowed(limit, tier)
    period = {"days": limit["days"]} if "days" in limit else {}
    return {
        "product_id": offer.product_id,
        "quantity": quantity,
        **period,
        "remaining": max(quantity - used, 0),
    }
