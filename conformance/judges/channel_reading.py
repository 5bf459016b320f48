"""How the channel's judges read the transcript. Raises MissingError where the evidence is not there."""

from __future__ import annotations

import itertools
from typing import Any

from conformance.model import MissingError
from conformance.transcript import Exchange, Transcript

FIRST, SECOND = "first gateway", "second gateway"  # labels of what the channel asked which gateway


def asked(t: Transcript, scenario: str, operation: str | None = None) -> list[Exchange]:
    """What the channel asked the gateway in a scenario."""
    return t.all(scenario, operation=operation, direction="received")


def seen(t: Transcript, scenario: str, label: str) -> Exchange:
    """A proper TestPurchase answer."""
    exchange = t.one(scenario, label)
    if exchange.status != 200 or "outcome" not in exchange.answer:
        raise MissingError(f"{scenario}: {label} was not answered by a TestPurchase ({exchange.status})")
    return exchange


def outcome(exchange: Exchange) -> str:
    """The outcome that the buyer was told."""
    return str(exchange.answer.get("outcome"))


def bought(t: Transcript, scenario: str, label: str) -> Exchange:
    """A purchase that came to a good end with the right goods; the near-twin of those that must not."""
    exchange = seen(t, scenario, label)
    if outcome(exchange) != "fulfilled":
        reason = exchange.answer.get("reason", "")
        raise MissingError(f"{scenario}: {label} ended as {outcome(exchange)} {reason}".strip())
    if not goods(exchange):
        raise MissingError(f"{scenario}: {label} is fulfilled, but no goods were shown")
    return exchange


def goods(exchange: Exchange) -> list[str]:
    """What was shown to the buyer."""
    shown = exchange.answer.get("goods_shown")
    return [str(each) for each in shown] if isinstance(shown, list) else []


def shelf(t: Transcript, scenario: str, label: str) -> Exchange:
    """A proper TestShelf answer."""
    exchange = t.one(scenario, label)
    if exchange.status != 200 or not isinstance(exchange.answer.get("items"), list):
        raise MissingError(f"{scenario}: the shelf {label} was not answered ({exchange.status})")
    return exchange


def item(exchange: Exchange, offer: str) -> dict[str, Any] | None:
    """The offer on a shelf, or None."""
    return next((i for i in exchange.answer["items"] if i.get("offer_id") == offer), None)


def price(exchange: Exchange, offer: str) -> int | None:
    """The offer's price on a shelf in minor units, or None when it is not there."""
    found = item(exchange, offer)
    return found["price"]["amount"] if found else None


def orders(t: Transcript, scenario: str) -> list[Exchange]:
    """The orders that the gateway took in a scenario, an answer that was lost included."""
    return [e for e in asked(t, scenario, "create_order") if e.status == 201 or e.response is None]


def keys(exchanges: list[Exchange]) -> set[str]:
    """The idempotency keys that were sent."""
    return {e.request.header("idempotency-key") or "" for e in exchanges}


def pauses(exchanges: list[Exchange]) -> list[float]:
    """Seconds from each answer to the next request."""
    return [after.started - before.ended for before, after in itertools.pairwise(exchanges)]
