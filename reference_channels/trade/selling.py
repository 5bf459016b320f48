"""May this buyer have this offer? Asked before the gateway is (SEL-001, SEL-003, SEL-012, SEL-014)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import jsonschema_rs

from reference_channels.kit.errors import Json
from reference_channels.trade import shelf


@dataclass(frozen=True, slots=True)
class Wish:
    """What a buyer asked for. `intent_id` names the press of the button, however often it is pressed."""

    intent_id: str
    offer_id: str
    quantity: int
    buyer: str
    region: str | None = None
    locale: str | None = None
    buyer_input: Json = field(default_factory=dict)


def refusal(offer: Json | None, wish: Wish) -> str | None:
    """The problem code why the wish cannot be sold, or None. `offer` is None when it is not on sale."""
    if offer is None:
        return "offer_withdrawn"
    if not shelf.buyable(offer):
        return "out_of_stock"
    restrictions = offer.get("restrictions", {})
    regions = restrictions.get("regions")
    if regions is not None and wish.region not in regions:
        return "region_not_allowed"
    if wish.quantity > restrictions.get("max_per_order", 1000):
        return "quantity_not_allowed"
    for limit in ("purchase_limit", "channel_limit"):
        given = restrictions.get(limit, {})
        # her tier is the gateway's to know: refuse only what no buyer may have
        if wish.quantity > max(given.get("quantity", wish.quantity), *given.get("tiers", {}).values(), 0):
            return f"{limit}_reached"
    if input_errors(offer, wish.buyer_input):
        return "buyer_input_invalid"
    return None


def input_errors(offer: Json, given: Json) -> list[str]:
    """Names of the fields of buyer input that do not fit the offer's schema; "" stands for the whole."""
    schema = offer.get("buyer_input")
    if not schema:
        return []
    try:
        validator = jsonschema_rs.Draft202012Validator(json.dumps(schema), validate_formats=True)
    except ValueError:
        # A schema that cannot be read cannot be satisfied; the gateway would refuse whatever is sent.
        return [""]
    wrong = list(validator.iter_errors(given))
    paths = [str(error.instance_path[0]) if error.instance_path else "" for error in wrong]
    missing = [name for name in schema.get("required", []) if name not in given]
    return sorted({*[path for path in paths if path], *missing} or set(paths))
