"""Judges of orders.md and delivery.md: goods made on demand."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.driver.shop import opened
from conformance.judges.gateway_evidence import dig, good, items, ok, refusal
from conformance.model import MissingError, Outcome, check, holds
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway", capability="on_demand")
MADE, GIVEN_UP = "made_on_demand", "given_up"


def _end(t: Transcript, manner: str, scenario: str = MADE) -> Exchange:
    """The order as it was last read; raises MissingError when it was not."""
    good(t, scenario, manner)
    seen = t.all(scenario, label=f"{manner} in the end", where=ok)
    if not seen:
        raise MissingError(f"the order ({manner}) could not be read")
    return seen[-1]


def _ended(seen: Exchange, wanted: str) -> Outcome:
    status = seen.answer.get("status")
    return holds(status == wanted, f"it is {wanted}", f"it is {status}, not {wanted}", seen)


def _refunded(seen: Exchange, units: int, reason: str) -> Outcome:
    """One refund, of so many units of the first line, for the reason, with its instruction."""
    price = dig(seen.answer, "lines", 0, "unit_price", "amount")
    found = [
        (dig(one, "reason"), dig(one, "amount", "amount"), dig(one, "instruction", "amount", "amount"))
        for one in seen.answer.get("refunds") or []
    ]
    amount = price * units if isinstance(price, int) else None
    wanted = [(reason, amount, amount)]
    return holds(found == wanted, f"{units} refunded", f"refunds are {found}, not {wanted}", seen)


@gateway("ORD-050", title="An order waits for what is made on demand", scenarios=(GIVEN_UP,))
def waits(t: Transcript) -> Iterator[Outcome]:
    """Nobody can have made it: its supplier is not there."""
    yield _ended(good(t, GIVEN_UP, "not made yet"), "fulfilling")


@gateway("ORD-051", title="It is fulfilled once all is made", scenarios=(MADE,))
def fulfilled(t: Transcript) -> Iterator[Outcome]:
    """Two units, made at once."""
    yield _ended(_end(t, "makes"), "fulfilled")


@gateway("ORD-052", title="What cannot be made is refunded", scenarios=(MADE,))
def failed(t: Transcript) -> Iterator[Outcome]:
    """Two units, both refused."""
    seen = _end(t, "refuses")
    yield _ended(seen, "fulfilment_failed")
    yield _refunded(seen, 2, "fulfilment_failed")


@gateway("ORD-053", title="What is made is kept, the rest refunded", scenarios=(MADE,))
def in_part(t: Transcript) -> Iterator[Outcome]:
    """Four units, two of them refused."""
    seen = _end(t, "alternates")
    yield _ended(seen, "partially_refunded")
    yield _refunded(seen, 2, "fulfilment_failed")


@gateway("ORD-054", title="What may be made is not refunded", scenarios=(GIVEN_UP,))
def not_refunded(t: Transcript) -> Iterator[Outcome]:
    """A supplier that took it and says nothing for two days."""
    seen = _end(t, "silent", GIVEN_UP)
    yield _ended(seen, "fulfilling")
    refunds = seen.answer.get("refunds") or []
    yield holds(not refunds, "nothing is refunded", f"{len(refunds)} refunds of what may be made", seen)


@gateway("ORD-055", title="What nobody can be asked for is given up", scenarios=(GIVEN_UP,))
def gives_up(t: Transcript) -> Iterator[Outcome]:
    """A supplier that is not there for two days."""
    seen = _end(t, "absent", GIVEN_UP)
    yield _ended(seen, "fulfilment_failed")
    yield _refunded(seen, 2, "fulfilment_failed")


@gateway("ORD-056", title="What nobody was asked for can be cancelled", scenarios=(GIVEN_UP,))
def cancelled(t: Transcript) -> Iterator[Outcome]:
    """An order of a supplier that is not there."""
    good(t, GIVEN_UP, "thought better of")
    seen = t.one(GIVEN_UP, "cancel in time")
    yield _ended(seen, "cancelled")
    yield _refunded(seen, 2, "cancelled")


@gateway("ORD-057", title="What is being made cannot be cancelled", scenarios=(GIVEN_UP,))
def not_cancelled(t: Transcript) -> Iterator[Outcome]:
    """A unit that its supplier has taken."""
    good(t, GIVEN_UP, "another silent")
    yield from refusal(t, GIVEN_UP, "cancel what is asked for", "transition_not_allowed", "cancel in time")


@gateway("ORD-058", title="order.updated when the goods are made, or not", scenarios=(MADE,))
def told(t: Transcript) -> Iterator[Outcome]:
    """Each order that waits no more, in the feed."""
    feed = [one for page in t.all(MADE, label="feed", where=ok) for one in items(page)]
    for manner in ("makes", "refuses", "alternates", "forgetful"):
        order = _end(t, manner)
        name, status = order.answer.get("id"), order.answer.get("status")
        mine = [dig(one, "data", "order", "status") for one in feed if one.get("subject") == name]
        if status != "fulfilling":
            words = f"{manner}: {status} was told"
            yield holds(status in mine, words, f"{manner} is {status}; told were {mine}", order)


@gateway("DLV-040", title="A lost answer makes nothing twice", scenarios=(MADE,))
def made_once(t: Transcript) -> Iterator[Outcome]:
    """Two units whose first answers were lost."""
    _end(t, "forgetful")
    page = good(t, MADE, "forgetful deliveries")
    yield holds(len(items(page)) == 2, "two deliveries", f"{len(items(page))} deliveries of two units", page)
    found = t.all(MADE, label="forgetful reveal", where=ok)
    contents = {text for one in found for text in opened(one.answer)}
    alike = f"{len(contents)} different goods in {len(found)} deliveries"
    yield holds(len(contents) == len(found) > 0, "all different", alike, *found)


@gateway("DLV-041", title="Nothing is delivered that is not made", scenarios=(MADE,))
def nothing_unmade(t: Transcript) -> Iterator[Outcome]:
    """Two of four units are refused, and two of two."""
    for manner, count in (("alternates", 2), ("refuses", 0)):
        _end(t, manner)
        page = good(t, MADE, f"{manner} deliveries")
        there = [one for one in items(page) if one.get("status") != "voided"]
        yield holds(
            len(there) == count, f"{count} made", f"{manner}: {len(there)} deliveries, not {count}", page
        )


@gateway("DLV-042", title="A top-up is handed over as its receipt", scenarios=(MADE,))
def receipt(t: Transcript) -> Iterator[Outcome]:
    """The one that was made."""
    _end(t, "top-up")
    seen = good(t, MADE, "top-up reveal")
    text = dig(seen.answer, "goods", "topup", "receipt")
    right = dig(seen.answer, "goods", "kind") == "topup" and isinstance(text, str) and bool(text)
    yield holds(right, "its receipt", "no receipt under topup", seen)
