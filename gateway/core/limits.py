"""How much one buyer may buy of a product, and how much may go through one channel (INV-022 to INV-025, ORD-040 on).

Units count from the hold or order on, until they are given back. What was counted is noted with the hold or the order
(`counted`), so that exactly that is given back, whatever the limits are by then. Offers without limits cost nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.core import identity, wire
from gateway.core.errors import refuse
from gateway.core.lines import PricedLine
from gateway.core.model import Json, Offer, Order
from gateway.core.model_identity import STANDARD, Account, AccountName, Buyer
from gateway.core.model_limits import SaleCount
from gateway.core.ports import Books
from gateway.core.rows import replace

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVER = "0"  # the day of what has no period
UNSOLD = frozenset({"cancelled", "expired"})  # orders whose units have been given back
BOTH = ("buyer", "channel")
NOBODY: Json = {"reference": ""}  # the buyer of what only counts for the channel


@dataclass(frozen=True, slots=True)
class Rule:
    """One limit of an offer, and whose count it looks at. `days` None: over all time.

    `others`: subjects whose units count as well, those of the buyer's other accounts (IDN-040).
    """

    code: str
    words: str
    key: tuple[str, str, str]
    quantity: int
    days: int | None
    others: tuple[str, ...] = ()

    def still(self, books: Books, now: datetime) -> tuple[SaleCount, int]:
        """The count without what is too old to matter, and how many units are left."""
        keys = [self.key, *((*self.key[:2], other) for other in self.others)]
        books.need(SaleCount, *keys)
        rows = [
            kept(books.get(SaleCount, *key) or SaleCount(*key, quantity=0, days={}), self.days, now)
            for key in keys
        ]
        return rows[0], max(self.quantity - sum(row.quantity for row in rows), 0)


def kept(row: SaleCount, days: int | None, now: datetime) -> SaleCount:
    """The count without what is too old to matter for a limit of so many days (None: over all time)."""
    first = _day(now) - days if days else -1
    counting = {day: units for day, units in row.days.items() if int(day) > first}
    return replace(row, quantity=sum(counting.values()), days=counting)


def allowed(limit: Json, tier: str) -> int:
    """How many units a buyer of this tier may have by a PurchaseLimit (IDN-051)."""
    return int(limit.get("tiers", {}).get(tier, limit["quantity"]))


def subject_of(channel_id: str, reference: str) -> str:
    """Under what name an account's units are counted: its own alone, so that they are apart again when a link is
    undone; a limit adds up those of all accounts of the buyer."""
    return f"{channel_id}/{reference}"


def subjects(together: Iterable[Account]) -> tuple[str, ...]:
    """Those of these accounts."""
    return tuple(subject_of(one.channel_id, one.subject) for one in together)


def _buyer(books: Books, channel_id: str, reference: str) -> tuple[str, tuple[str, ...]]:
    """The tier of a buyer, and her other accounts as they are counted. She is written when there are any: of two
    orders at once, on two channels, the second has to see what the first has counted."""
    named = books.get(AccountName, channel_id, reference)
    account = books.get(Account, named.account_id) if named else None
    buyer = books.get(Buyer, account.buyer_id) if account else None
    if account is None or buyer is None:
        return STANDARD, ()
    together = books.accounts_of(buyer.id)
    others = [one for one in together if one.id != account.id]
    if others:
        books.put(buyer)
    return identity.tier_of(together), subjects(others)


def count(
    books: Books,
    now: datetime,
    offer: Offer,
    channel_id: str,
    buyer: Json,
    quantity: int,
    pointer: str,
    scopes: Collection[str] = BOTH,
) -> list[Json] | None:
    """Count units against the offer's limits; what is to be noted, None for an offer that has none.

    `scopes`: whose limits; a lease counts for its channel, what is sold from it for the buyer. Counts nothing when it
    raises ProtocolError `purchase_limit_reached` or `channel_limit_reached`, saying how many are left.
    """
    if not _limited(offer):
        return None
    rules = list(_rules(books, offer, channel_id, buyer, scopes))
    stand = [(rule, *rule.still(books, now)) for rule in rules]
    for rule, _, left in stand:
        if quantity > left:
            period = f" in {rule.days} days" if rule.days else ""
            detail = f"{rule.words} {rule.quantity} of this product{period}; {left} are left."
            raise refuse(rule.code, pointer, detail)
    noted: list[Json] = []
    for rule, row, _ in stand:
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
        for rule in _rules(books, offer, order.channel_id, order.buyer):
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
        left = {day: units for day, units in days.items() if units}
        books.put(replace(row, quantity=row.quantity - back, days=left))


def _count_line(books: Books, order: Order, offer: Offer, line: Json, index: int) -> list[Json] | None:
    pointer = f"/lines/{index}/quantity"
    return count(books, order.created_at, offer, order.channel_id, order.buyer, line["quantity"], pointer)


def _limited(offer: Offer) -> bool:
    given = offer.restrictions or {}
    return bool(offer.channel_limits) or "purchase_limit" in given or "channel_limit" in given


def _rules(
    books: Books, offer: Offer, channel_id: str, buyer: Json, scopes: Collection[str] = BOTH
) -> Iterator[Rule]:
    given = wire.restrictions(offer, channel_id) or {}
    product, reference = offer.product["id"], buyer["reference"]
    own, all_of_it = given.get("purchase_limit"), given.get("channel_limit")
    if own is not None and "buyer" in scopes:
        key = (product, "buyer", subject_of(channel_id, reference))
        tier, others = _buyer(books, channel_id, reference)
        words = "This buyer may buy at most" if "tiers" in own else "A buyer may buy at most"
        yield Rule("purchase_limit_reached", words, key, allowed(own, tier), own.get("days"), others)
    if all_of_it is not None and "channel" in scopes:
        key, words = (product, "channel", channel_id), "This channel may sell at most"
        yield Rule("channel_limit_reached", words, key, int(all_of_it["quantity"]), all_of_it.get("days"))


def _day(now: datetime) -> int:
    return (now - EPOCH).days
