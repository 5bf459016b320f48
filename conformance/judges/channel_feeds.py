"""Feeds, and what later versions may bring (spec/text/catalog.md, events.md, conventions.md)."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.judges.channel_reading import FIRST, asked, bought, buyable, item, price, shelf
from conformance.model import Outcome, check, failed, holds, passed, unverified
from conformance.transcript import Transcript


@check(
    "EVT-016",
    role="channel",
    scenarios=("catch_up",),
    title="The channel catches up from list_events",
)
def catches_up(t: Transcript) -> Iterator[Outcome]:
    """Events that were never posted take effect after the channel came back; all pages were read."""
    before = t.one("catch_up", "back")
    after = shelf(t, "catch_up", "after")
    pages = t.all(operation="list_events", label=FIRST, where=lambda e: e.number > before.number - 1)
    shown = price(after, t.fact("catch_up", "offer"))
    if shown is None:
        yield unverified("the offer is not on the shelf", after)
    else:
        good = shown == 813 and bool(pages)
        bad = f"{len(pages)} pages read, the shelf shows {shown}, not 813"
        yield holds(good, "caught up", bad, before, *pages[:4], after)


@check(
    "CAT-009",
    role="channel",
    scenarios=("buy", "tombstone", "sold_out_shelf", "log"),
    title="The offer feed is read on from the cursor",
)
def reads_by_cursor(t: Transcript) -> Iterator[Outcome]:
    """After the first page was answered, every request for offers has a cursor that the feed gave."""
    end = t.one("log", "log").started
    pages = t.all(operation="list_offers", label=FIRST, where=lambda e: e.started < end)
    answered = [e for e in pages if e.status == 200]
    if len(answered) < 2:
        yield unverified("the feed was read fewer than two times", *answered)
        return
    later = [e for e in pages if e.started > answered[0].ended]
    anew = [e for e in later if "cursor=" not in e.request.url]
    if anew:
        yield failed(f"all offers were read again, {len(anew)} times", *anew[:3])
    else:
        yield passed(f"{len(later)} requests from a cursor", *later[:3])


@check("CAT-010", role="channel", scenarios=("tombstone",), title="A tombstoned offer is taken off sale")
def takes_off_sale(t: Transcript) -> Iterator[Outcome]:
    """Both were on sale; the deleted one is not any more."""
    before, after = shelf(t, "tombstone", "before"), shelf(t, "tombstone", "after")
    gone, left = t.fact("tombstone", "gone"), t.fact("tombstone", "left")
    if item(before, gone) is None or item(after, left) is None:
        yield unverified("the offers were not on sale", before, after)
        return
    now = item(after, gone)
    good = not buyable(now)
    yield holds(good, "off sale", "the deleted offer is still on sale", before, after)


@check(
    "CNV-001",
    role="channel",
    scenarios=("unknown_members", "buy"),
    title="Unknown members are ignored",
)
def ignores_members(t: Transcript) -> Iterator[Outcome]:
    """An offer, an event and all answers of a purchase carry more than the standard has."""
    bought(t, "buy", "bought")
    offer, shown = t.fact("unknown_members", "offer"), shelf(t, "unknown_members", "shelf")
    yield holds(item(shown, offer) is not None, "on sale", "an offer with unknown members is left out", shown)
    event = t.one("unknown_members", "event")
    yield holds(200 <= event.status < 300, "taken", f"the event: {event.status} {event.problem}", event)
    if item(shown, offer) is not None:
        yield _sold(t, "unknown_members")


@check(
    "CNV-002",
    role="channel",
    scenarios=("unknown_values", "buy"),
    title="Unknown enum values are one more value",
)
def ignores_values(t: Transcript) -> Iterator[Outcome]:
    """An offer of an unknown category is on sale and is sold."""
    bought(t, "buy", "bought")
    offer, shown = t.fact("unknown_values", "offer"), shelf(t, "unknown_values", "shelf")
    yield holds(
        item(shown, offer) is not None, "on sale", "an offer of an unknown category is left out", shown
    )
    if item(shown, offer) is not None:
        yield _sold(t, "unknown_values")


def _sold(t: Transcript, scenario: str) -> Outcome:
    end = t.one(scenario, "bought")
    ended = end.answer.get("outcome")
    return holds(
        ended == "fulfilled", "sold", f"the purchase ended as {ended}", end, *asked(t, scenario)[-1:]
    )
