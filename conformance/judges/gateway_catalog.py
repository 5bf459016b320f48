"""Judges of catalog.md: the offer feed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from conformance.judges.gateway_evidence import Json, dig, every, good, is_problem, items, ok, said
from conformance.model import MissingError, Outcome, check, failed, holds, passed, unverified
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway", capability="catalog")


def _entries(t: Transcript, scenario: str, label: str) -> list[tuple[Exchange, Json]]:
    return [(page, one) for page in t.all(scenario, label=label, where=ok) for one in items(page)]


@gateway(
    "CAT-001",
    title="The feed shows every offer, and each change after those before it",
    scenarios=("feed", "feed_race"),
)
def every_offer(t: Transcript) -> Iterator[Outcome]:
    """Five offers read in pages of two; then a reader beside many writers misses no change."""
    ids = t.fact("feed", "offers")
    shown = [one.get("offer_id") for _, one in _entries(t, "feed", "first reading")]
    page = t.one("feed", "first reading")
    complete = set(ids) <= set(shown)
    yield holds(
        complete, "every offer is there", f"{len(set(ids) - set(shown))} of {len(ids)} are missing", page
    )
    order = [one for one in dict.fromkeys(reversed(shown)) if one in ids]
    yield holds(
        order[::-1] == ids, "in the order of their changes", "not in the order of their changes", page
    )
    yield from _raced(t)


def _raced(t: Transcript) -> Iterator[Outcome]:
    """What the reader knew at the end must be what get_offer says."""
    good(t, "feed_race", "meanwhile")
    known: dict[str, Json] = {}
    for _, one in _entries(t, "feed_race", "meanwhile"):
        known[str(one.get("offer_id"))] = one
    for seen in t.all("feed_race", label="at the end", where=ok):
        name = str(seen.answer.get("id"))
        price = dig(known, name, "offer", "price", "amount")
        now = dig(seen.answer, "price", "amount")
        bad = f"the reader ended with price {price}, the offer has {now}"
        yield holds(price == now, "a reader misses no change", bad, seen)


@gateway("CAT-002", title="Every page of the feed has a next cursor", scenarios=("feed",))
def always_a_cursor(t: Transcript) -> Iterator[Outcome]:
    """Also the last one."""
    pages = t.all("feed", operation="list_offers", where=ok)
    wrong = [
        (p, "a page without next_cursor") for p in pages if not isinstance(p.answer.get("next_cursor"), str)
    ]
    yield from every(wrong, len(pages), "pages with a cursor")


@gateway("CAT-003", title="A change is shown after every older cursor", scenarios=("feed",))
def shown_again(t: Transcript) -> Iterator[Outcome]:
    """From the end of the first reading, and from its first page."""
    changed = t.fact("feed", "changed")
    for label in ("since the changes", "since the first page"):
        good(t, "feed", label)
        shown = {one.get("offer_id") for _, one in _entries(t, "feed", label)}
        missing = [name for name in changed if name not in shown]
        bad = f"{label}: {len(missing)} of {len(changed)} changes are missing"
        yield holds(not missing, f"{label}: all there", bad, *t.all("feed", label=label))


@gateway("CAT-004", title="A deleted offer leaves a tombstone", scenarios=("feed",))
def tombstone(t: Transcript) -> Iterator[Outcome]:
    """deleted is true, and no offer."""
    name = t.fact("feed", "changed")[2]
    found = [(p, one) for p, one in _entries(t, "feed", "since the changes") if one.get("offer_id") == name]
    if not found:
        raise MissingError("the deleted offer is not in the feed after its deletion")
    page, one = found[-1]
    right = one.get("deleted") is True and "offer" not in one
    bad = f"deleted is {one.get('deleted')}, offer {'there' if 'offer' in one else 'absent'}"
    yield holds(right, "a tombstone", bad, page)


@gateway("CAT-005", title="Every change raises the offer's revision", scenarios=("feed", "feed_race"))
def revision_rises(t: Transcript) -> Iterator[Outcome]:
    """Different prices or states, different revisions, rising."""
    wrong, seen = [], 0
    last: dict[str, tuple[Any, Any]] = {}
    for page, one in _entries(t, "feed", "first reading") + _entries(t, "feed", "since the changes"):
        name, revision = str(one.get("offer_id")), one.get("revision")
        state = (dig(one, "offer", "price", "amount"), dig(one, "offer", "status"), one.get("deleted"))
        before = last.get(name)
        if before and before[1] != state:
            seen += 1
            rises = isinstance(revision, int) and isinstance(before[0], int) and revision > before[0]
            if not rises:
                wrong.append((page, f"a changed offer went from revision {before[0]} to {revision}"))
        last[name] = (revision, state)
    yield from every(wrong, seen, "revisions rise")


@gateway("CAT-006", title="What cannot be held is out of stock", scenarios=("feed",))
def out_of_stock(t: Transcript) -> Iterator[Outcome]:
    """Two of two sold."""
    good(t, "feed", "sells out")
    before = t.all("feed", operation="get_offer", label="one offer")
    seen = good(t, "feed", "offer 3 after")
    status = dig(seen.answer, "availability", "status")
    if not any(dig(e.answer, "availability", "status") != "out_of_stock" for e in before):
        yield unverified("the offers were out of stock from the start", seen)
        return
    yield holds(status == "out_of_stock", "out of stock", f"sold out, but {status}", seen)


@gateway("CAT-007", title="get_offer is as the feed shows it", scenarios=("feed",))
def as_in_the_feed(t: Transcript) -> Iterator[Outcome]:
    """Each of the five."""
    known = {one.get("offer_id"): one.get("offer") for _, one in _entries(t, "feed", "first reading")}
    for seen in t.all("feed", label="one offer"):
        if not ok(seen):
            yield failed(f"an offer of the channel: {said(seen)}", seen)
            continue
        shown = known.get(seen.answer.get("id"))
        if shown is not None:
            yield holds(shown == seen.answer, "as in the feed", "get_offer differs from the feed", seen)


@gateway("CAT-008", title="A deleted offer is not found", scenarios=("feed",))
def deleted_not_found(t: Transcript) -> Iterator[Outcome]:
    """Beside one that is there."""
    twin, seen = good(t, "feed", "offer 0 after"), t.one("feed", "offer 2 after")
    if is_problem(seen, "not_found"):
        yield passed("a deleted offer is not found", twin, seen)
    else:
        yield failed(f"a deleted offer: {said(seen)}", twin, seen)
