"""Judges of delivery.md, sealed delivery at a channel: the buyer's key goes to the gateway, where it is of use."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.judges.channel_reading import bought, goods, orders, outcome, seen
from conformance.model import Outcome, check, holds
from conformance.transcript import Exchange, Transcript

POINT = ("kty", "crv", "x", "y")


@check(
    "DLV-034",
    role="channel",
    capability="sealed_delivery",
    scenarios=("plain_gateway",),
    title="No key is sent to a gateway that does not seal",
)
def no_key_in_vain(t: Transcript) -> Iterator[Outcome]:
    """The buyer with a key is served without it, or refused."""
    bought(t, "plain_gateway", "open")
    view = seen(t, "plain_gateway", "sealed")
    sent = [e for e in orders(t, "plain_gateway") if "recipient_key" in e.asked]
    words = f"a key was sent; the purchase ended as {outcome(view)}"
    yield holds(not sent, "no key was sent", words, view, *sent)


@check(
    "DLV-035",
    role="channel",
    capability="sealed_delivery",
    scenarios=("sealed_purchase",),
    title="The buyer's key goes with the order, and the JWE to the buyer",
)
def key_passed_on(t: Transcript) -> Iterator[Outcome]:
    """The very point, for this order only; what the buyer then gets opens with her key."""
    twin, view = bought(t, "sealed_purchase", "open"), seen(t, "sealed_purchase", "sealed")
    key = t.fact("sealed_purchase", "key")
    sent = orders(t, "sealed_purchase")
    points = [_point(e) for e in sent if e.answer.get("id") == view.answer.get("order_id")]
    right = bool(points) and set(points) == {tuple(key[name] for name in POINT)}
    yield holds(right, "the key was sent", "the order has another key, or none", view, *sent)
    others = [e for e in sent if e.answer.get("id") == twin.answer.get("order_id") and _point(e)]
    yield holds(not others, "nobody else's order has it", "an order without a key got one", twin, *others)
    if right:
        passed_on = bool(goods(view)) and all(view.observed.get("opens", [False]))
        yield holds(passed_on, "the JWE opens", "what the buyer gets is not the JWE", view)


def _point(order: Exchange) -> tuple[str, ...]:
    found = order.asked.get("recipient_key")
    return tuple(str(found.get(name)) for name in POINT) if isinstance(found, dict) else ()
