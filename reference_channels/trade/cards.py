"""What a buyer is shown of an offer, whatever the channel looks like."""

from __future__ import annotations

import time

from reference_channels.kit.errors import Json, timestamp
from reference_channels.trade import money, shelf
from reference_channels.trade.words import product_text

CATEGORIES = ("game_key", "gift_code", "topup", "licence", "course", "download", "collectible")


def card(offer: Json, language: str) -> Json:
    """Texts in the language, price, promotion, availability. The name is empty where nothing is known of it."""
    product = offer.get("product", {})
    name, description = product_text(product, language)
    promotion = _current(offer.get("promotion"))
    price = offer.get("price", {"amount": 0, "currency": "XXX"})
    category = product.get("category", "other")
    return {
        "id": offer.get("id", ""),
        "name": name,
        "description": description,
        "brand": product.get("brand", ""),
        "category": category if category in CATEGORIES else "other",
        "price": price,
        "promotion": promotion and {"ends_at": "", **promotion},
        "saving": money.saving(price["amount"], promotion["list_price"]["amount"]) if promotion else 0,
        "availability": offer.get("availability", {}),
        "buyable": shelf.buyable(offer),
        "kind": offer.get("delivery_kind", ""),
        "restrictions": {"max_per_order": 0, **offer.get("restrictions", {})},
    }


def _current(promotion: Json | None) -> Json | None:
    """The promotion, unless it has ended; the price is the gateway's in any case."""
    ends_at = (promotion or {}).get("ends_at")
    return None if ends_at and timestamp(ends_at) < time.time() else promotion
