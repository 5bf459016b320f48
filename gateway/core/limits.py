"""How much one buyer may buy of a product, and how much may go through one channel (INV-022 to INV-025, ORD-040 on).

Units count from the hold or order on, until they are given back. What was counted is noted with the hold or the order
(`counted`), so that exactly that is given back, whatever the limits are by then. Offers without limits cost nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.core import wire
from gateway.core.errors import refuse
from gateway.core.lines import PricedLine
from gateway.core.model import Json, Offer, Order
from gateway.core.model_limits import SaleCount
from gateway.core.ports import Books
from gateway.core.rows import replace

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVER = "0"  # the day of what has no period


@dataclass(frozen=True, slots=True)
class Rule:
    """One limit of an offer, and whose count it looks at. `days` None: over all time."""

    code: str
    words: str
    key: tuple[str, str, str]
    quantity: int
    days: int | None

    def still(self, books: Books, now: datetime) -> tuple[SaleCount, int]:
        """The count without what is too old to matter, and how many units are left."""
        row = books.get(SaleCount, *self.key) or SaleCount(*self.key, quantity=0, days={})
        first = _day(now) - self.days if self.days else -1
        kept = {day: units for day, units in row.days.items() if int(day) > first}
        used = sum(kept.values())
        return replace(row, quantity=used, days=kept), max(self.quantity - used, 0)


def subject_of(channel_id: str, buyer: Json) -> str:
    """Who a buyer is. Channels do not know of each other's buyers yet; the only place to change when they do."""
    return f"{channel_id}/{buyer['reference']}"


def count(
    books: Books, now: datetime, offer: Offer, channel_id: str, buyer: Json, quantity: int, pointer: str
) -> list[Json] | None:
    """Count units against the offer's limits; what is to be noted, None for an offer that has none.

    Raises ProtocolError `purchase_limit_reached` or `channel_limit_reached`, saying how many are left.
    """
    if not _limited(offer):
        return None
    noted: list[Json] = []
    for rule in _rules(offer, channel_id, buyer):
        row, left = rule.still(books, now)
        if quantity > left:
            period = f" in {rule.days} days" if rule.days else ""
            detail = f"{rule.words} {rule.quantity} of this product{period}; {left} are left."
            raise refuse(rule.code, pointer, detail)
        day = str(_day(now)) if rule.days else EVER
        days = {**row.days, day: row.days.get(day, 0) + quantity}
        books.put(replace(row, quantity=row.quantity + quantity, days=days))
        noted.append({**dict(zip(SaleCount.KEY, rule.key, strict=True)), "day": day})
    return noted or None


def count_order(books: Books, order: Order, priced: Sequence[PricedLine]) -> Order:
    """The order with its lines counted; what a hold has counted before is the line's now.

    Raises ProtocolError as `count` does.
    """
    counted: Json = {}
    for index, (line, made) in enumerate(zip(priced, order.lines, strict=True)):
        noted = line.hold.counted if line.hold else _count_line(books, order, line.offer, made, index)
        if noted:
            counted[made["id"]] = noted
    return replace(order, counted=counted) if counted else order


def count_anew(books: Books, order: Order, offers: Sequence[Offer], now: datetime) -> Order | None:
    """The lines of an order that had been given back, counted once more; None, and nothing, when one is too much."""
    wanted: Counter[str] = Counter()
    for offer, line in zip(offers, order.lines, strict=True):
        wanted[offer.product["id"]] += line["quantity"]
    for offer in offers:
        for rule in _rules(offer, order.channel_id, order.buyer):
            if wanted[offer.product["id"]] > rule.still(books, now)[1]:
                return None
    again = replace(order, created_at=now)
    noted = [
        (line["id"], _count_line(books, again, offer, line, 0))
        for offer, line in zip(offers, order.lines, strict=True)
    ]
    return replace(order, counted={line_id: one for line_id, one in noted if one} or None)


def give_back(books: Books, noted: Sequence[Json] | None, quantity: int) -> None:
    """These units count no more: the hold has ended, or the order was cancelled, has expired or is refunded."""
    for one in noted or ():
        row = books.get(SaleCount, *(one[name] for name in SaleCount.KEY))
        back = min(quantity, row.days.get(one["day"], 0)) if row else 0
        if row is None or not back:  # so long ago that it did not count any more
            continue
        days = {**row.days, one["day"]: row.days[one["day"]] - back}
        kept = {day: units for day, units in days.items() if units}
        books.put(replace(row, quantity=row.quantity - back, days=kept))


def _count_line(books: Books, order: Order, offer: Offer, line: Json, index: int) -> list[Json] | None:
    pointer = f"/lines/{index}/quantity"
    return count(books, order.created_at, offer, order.channel_id, order.buyer, line["quantity"], pointer)


def _limited(offer: Offer) -> bool:
    given = offer.restrictions or {}
    return bool(offer.channel_limits) or "purchase_limit" in given or "channel_limit" in given


def _rules(offer: Offer, channel_id: str, buyer: Json) -> Iterator[Rule]:
    given = wire.restrictions(offer, channel_id) or {}
    scopes = (
        ("purchase_limit", "buyer", subject_of(channel_id, buyer), "A buyer may buy at most"),
        ("channel_limit", "channel", channel_id, "This channel may sell at most"),
    )
    for name, scope, subject, words in scopes:
        limit = given.get(name)
        if limit is not None:
            key = (offer.product["id"], scope, subject)
            yield Rule(f"{name}_reached", words, key, int(limit["quantity"]), limit.get("days"))


def _day(now: datetime) -> int:
    return (now - EPOCH).days
