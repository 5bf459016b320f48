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
    codes = {
        c
        for (name, key), found in t.facts.items()
        if name == scenario and key.endswith(" codes")
        for c in found
    }
    if not codes & set(goods(exchange)):
        raise MissingError(f"{scenario}: {label} is fulfilled, but none of the goods were shown")
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


def items(exchange: Exchange) -> list[dict[str, Any]]:
    """The items on a shelf that are items at all."""
    found = exchange.answer.get("items")
    return [i for i in found if isinstance(i, dict)] if isinstance(found, list) else []


def item(exchange: Exchange, offer: str) -> dict[str, Any] | None:
    """The offer on a shelf, or None."""
    return next((i for i in items(exchange) if i.get("offer_id") == offer), None)


def buyable(found: dict[str, Any] | None) -> bool:
    """Whether an item is there and shown as buyable."""
    return bool(found and found.get("buyable"))


def amount(money: Any) -> int | None:
    """The minor units of a Money, or None when it is none."""
    value = money.get("amount") if isinstance(money, dict) else None
    return value if isinstance(value, int) else None


def price(exchange: Exchange, offer: str) -> int | None:
    """The offer's price on a shelf in minor units, or None when it is not there."""
    return amount((item(exchange, offer) or {}).get("price"))


def charged(exchange: Exchange) -> int | None:
    """What the buyer was charged in minor units, or None when the answer does not say."""
    return amount(exchange.answer.get("total"))


def lines(exchange: Exchange) -> list[dict[str, Any]]:
    """The lines of an order that was asked for."""
    found = exchange.asked.get("lines")
    return [line for line in found if isinstance(line, dict)] if isinstance(found, list) else []


def orders(t: Transcript, scenario: str) -> list[Exchange]:
    """The orders that the gateway took in a scenario, an answer that was lost included."""
    return [e for e in asked(t, scenario, "create_order") if e.status == 201 or e.response is None]


def holding(t: Transcript, scenario: str) -> list[Exchange]:
    """The tries of what a purchase begins with: a hold or, in a channel without holds, the order."""
    return asked(t, scenario, "create_reservation") or asked(t, scenario, "create_order")


def keys(exchanges: list[Exchange]) -> set[str]:
    """The idempotency keys that were sent."""
    return {e.request.header("idempotency-key") or "" for e in exchanges}


def pauses(exchanges: list[Exchange]) -> list[float]:
    """Seconds from each answer to the next request."""
    return [after.started - before.ended for before, after in itertools.pairwise(exchanges)]
