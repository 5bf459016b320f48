"""Offers: made, changed and taken off sale by the merchant; checked by everything that sells (spec/text/catalog.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.core import buyer_input, events, stock
from gateway.core.errors import missing, refuse
from gateway.core.model import Call, Json, Offer, Stock
from gateway.core.model_identity import TIER
from gateway.core.ports import Books
from gateway.core.rows import replace

MADE = frozenset({"code", "licence", "topup", "token"})  # what a supplier can make
MAX_PER_ORDER = 1000  # units; what a delivery page and one transaction can well carry
CHANGEABLE = frozenset(
    {
        "product",
        "price_amount",
        "currency",
        "promotion",
        "restrictions",
        "buyer_input",
        "download_url",
        "status",
        "channel_limits",
        "consistency",
        "supplier",
    }
)


@dataclass(frozen=True, slots=True)
class NewOffer:
    """An offer to be made. The JSON members are the wire objects of spec/schemas/catalog.yaml, already validated.

    `channel_id` None: every channel sees it. `download_url` is what a download leads to.
    """

    product: Json
    price_amount: int
    currency: str
    delivery_kind: str
    stock_id: str
    channel_id: str | None = None
    promotion: Json | None = None
    restrictions: Json | None = None
    buyer_input: Json | None = None
    download_url: str | None = None
    consistency: str = "strict"
    supplier: str | None = None  # makes each unit on demand; the stock is an unlimited one then


def create_offer(books: Books, call: Call, cmd: NewOffer) -> Offer:
    """Put an offer on sale, and tell the channels that see it (EVT-004).

    Raises ProtocolError `invalid` when a download leads nowhere, `buyer_input` is no usable JSON Schema, or the
    supplier cannot make this.
    """
    kept = books.get(Stock, cmd.stock_id)
    if kept is None:
        raise LookupError(f"stock {cmd.stock_id} does not exist")
    offer = Offer(
        id=books.new_id("off"),
        revision=1,
        status="active",
        channel_id=cmd.channel_id,
        product=cmd.product,
        price_amount=cmd.price_amount,
        currency=cmd.currency,
        promotion=cmd.promotion,
        restrictions=cmd.restrictions,
        buyer_input=buyer_input.form(cmd.delivery_kind, cmd.buyer_input),
        delivery_kind=cmd.delivery_kind,
        stock_id=cmd.stock_id,
        download_url=cmd.download_url,
        availability=stock.availability(kept),
        position=None,
        updated_at=call.now,
        consistency=cmd.consistency,
        supplier=cmd.supplier,
        product_id=cmd.product["id"],
    )
    if offer.supplier is not None and kept.kind != "unlimited":
        raise refuse("invalid", "/supplier", "What a supplier makes on demand has no stock.")
    _check(offer)
    books.put(offer)
    events.offer_changed(books, call, offer, "offer.updated")
    return offer


def change_offer(books: Books, call: Call, offer_id: str, changes: Mapping[str, Any]) -> Offer:
    """Give the offer these values (keys of CHANGEABLE); what is as it was already is no change (CAT-005).

    `status` is active, withdrawn or deleted; deleted is for good. Raises ProtocolError `not_found`, or `invalid` as
    `create_offer` does.
    """
    unknown = set(changes) - CHANGEABLE
    if unknown:
        raise TypeError(f"an offer's {', '.join(sorted(unknown))} cannot be changed")
    offer = books.get(Offer, offer_id)
    if offer is None or offer.status == "deleted":
        raise missing("offer_id")
    if all(getattr(offer, name) == value for name, value in changes.items()):
        return offer
    if (changes.get("supplier", offer.supplier) is None) != (offer.supplier is None):
        detail = "Goods from stock stay so, and goods made on demand too; make another product."
        raise refuse("invalid", "/supplier", detail)
    anew: Json = {"revision": offer.revision + 1, "position": None, "updated_at": call.now}
    anew["product_id"] = changes.get("product", offer.product)["id"]
    changed = replace(offer, **changes, **anew)
    _check(changed)
    books.put(changed)
    off_sale = changed.status != "active" and offer.status == "active"
    deleted = changed.status == "deleted"
    kind = "offer.withdrawn" if off_sale or deleted else "offer.updated"
    events.offer_changed(books, call, changed, kind)
    return changed


def visible(offer: Offer | None, channel_id: str) -> bool:
    """Whether the channel may know of it (AUT-011, AUT-012)."""
    return offer is not None and offer.status != "deleted" and offer.channel_id in (None, channel_id)


def offer_of(books: Books, call: Call, offer_id: str, pointer: str) -> Offer:
    """An offer that the channel sees. Raises ProtocolError `not_found`, naming the field."""
    offer = books.get(Offer, offer_id)
    if offer is None or not visible(offer, call.channel_id):
        raise refuse("not_found", pointer, "There is no such offer.")
    return offer


def offer_on_sale(books: Books, call: Call, offer_id: str, pointer: str) -> Offer:
    """An offer that the channel may sell now. Raises ProtocolError `not_found` or `offer_withdrawn` (INV-013)."""
    offer = offer_of(books, call, offer_id, pointer)
    if offer.status != "active":
        raise refuse("offer_withdrawn", pointer, "The offer has been withdrawn.")
    return offer


def check_region(offer: Offer, buyer: Json, pointer: str) -> None:
    """Raises ProtocolError `region_not_allowed` (INV-016, ORD-005); a buyer without a region is in none."""
    regions = (offer.restrictions or {}).get("regions")
    if regions is not None and buyer.get("region") not in regions:
        raise refuse("region_not_allowed", pointer, "The offer may not be sold in the buyer's region.")


def check_quantity(offer: Offer, quantity: int, pointer: str) -> None:
    """Raises ProtocolError `quantity_not_allowed` (ORD-006)."""
    limit = min((offer.restrictions or {}).get("max_per_order", MAX_PER_ORDER), MAX_PER_ORDER)
    if quantity > limit:
        raise refuse("quantity_not_allowed", pointer, f"At most {limit} in one order.")


def tier_faults(restrictions: Json | None) -> Iterator[tuple[str, str]]:
    """What is wrong with the tiers of limits: where, and why."""
    given = restrictions or {}
    for name in given.get("purchase_limit", {}).get("tiers", {}):
        if not TIER.fullmatch(name):
            words = "A tier is a word of small letters, digits and underscores."
            yield "/purchase_limit/tiers", f"{name!r}: {words}"
    if "tiers" in given.get("channel_limit", {}):
        yield "/channel_limit/tiers", "Tiers are of buyers; a channel has none."


def _check(offer: Offer) -> None:
    for pointer, words in tier_faults(offer.restrictions):
        raise refuse("invalid", f"/restrictions{pointer}", words)
    if offer.delivery_kind == "download" and not offer.download_url:
        raise refuse("invalid", "/download_url", "A download needs the URL it leads to.")
    if offer.supplier is not None and offer.delivery_kind not in MADE:
        raise refuse("invalid", "/delivery_kind", "A supplier makes codes, licences, top-ups and tokens.")
    if offer.supplier is not None and offer.consistency != "strict":
        raise refuse("invalid", "/consistency", "What a supplier makes on demand cannot be leased.")
    if offer.supplier is None and offer.delivery_kind in ("topup", "token"):
        raise refuse(
            "invalid", "/delivery_kind", f"A {offer.delivery_kind} needs the supplier that makes it."
        )
    if offer.buyer_input is not None:
        buyer_input.check_schema(offer.buyer_input, "/buyer_input")
