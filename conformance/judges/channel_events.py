"""Events and feeds (spec/text/events.md, catalog.md), and what later versions may bring (conventions.md)."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.judges.channel_reading import FIRST, asked, bought, buyable, item, price, shelf
from conformance.model import MissingError, Outcome, check, failed, holds, passed, unverified
from conformance.transcript import Exchange, Transcript


def taken(t: Transcript, scenario: str, label: str) -> Exchange:
    """An event that the channel took; the near-twin of those it must refuse."""
    exchange = t.one(scenario, label)
    if not 200 <= exchange.status < 300:
        raise MissingError(
            f"{scenario}: the event {label} was not taken ({exchange.status} {exchange.problem})"
        )
    return exchange


def _refused(t: Transcript, label: str, *codes: str) -> Outcome:
    """The event with this flaw was refused with 401 and one of these codes, and good ones were taken."""
    twin, event = taken(t, "signatures", "good"), t.one("signatures", label)
    if 200 <= event.status < 300:
        return failed(f"an event was taken: {label}", event, twin)
    good = event.status == 401 and event.problem in codes
    return holds(
        good,
        f"refused with {event.problem}",
        f"{label}: {event.status} {event.problem or 'without a problem'}, expected 401 {' or '.join(codes)}",
        event,
        twin,
    )


@check("SIG-005", role="channel", scenarios=("signatures",), title="An event without a signature is refused")
def refuses_unsigned(t: Transcript) -> Iterator[Outcome]:
    """401 signature_missing."""
    yield _refused(t, "unsigned", "signature_missing")


@check(
    "SIG-006",
    role="channel",
    scenarios=("signatures",),
    title="An event whose signature does not hold is refused",
    hint="Verify with the secret or key of the gateway that test_reset named, and compare in constant time.",
)
def refuses_bad_signature(t: Transcript) -> Iterator[Outcome]:
    """Another's key and garbage: 401 signature_invalid."""
    yield _refused(t, "wrong_key", "signature_invalid")
    yield _refused(t, "garbage", "signature_invalid")


@check(
    "SIG-007",
    role="channel",
    scenarios=("signatures",),
    title="An event whose body is not the one that was signed is refused",
    hint="Hold the raw bytes of the body against the signature, or against Content-Digest under rfc9421.",
)
def refuses_tampered(t: Transcript) -> Iterator[Outcome]:
    """A forged body under an honest signature: 401 signature_invalid."""
    yield _refused(t, "tampered", "signature_invalid")


@check(
    "SIG-008",
    role="channel",
    scenarios=("signatures",),
    title="An event signed more than 300 seconds ago, or that far ahead, is refused",
)
def refuses_old(t: Transcript) -> Iterator[Outcome]:
    """401 signature_expired."""
    yield _refused(t, "old", "signature_expired")
    yield _refused(t, "ahead", "signature_expired")


@check(
    "SIG-009",
    role="channel",
    scenarios=("signatures",),
    title="The signature is verified before anything in the event is acted on",
    hint="Read the raw body, verify, and only then parse and apply.",
)
def verifies_first(t: Transcript) -> Iterator[Outcome]:
    """No refused event had an effect, and a badly signed body that is no JSON is refused for its signature."""
    offer = t.fact("signatures", "offer")
    good, bad = shelf(t, "signatures", "after good"), shelf(t, "signatures", "after bad")
    if price(good, offer) != 222:
        yield unverified("the good event had no effect either", good)
        return
    refused = [e for e in t.all("signatures", operation="channel:receive_event") if e.status == 401]
    if not refused:
        yield unverified("no event was refused")
    shown = price(bad, offer)
    accepted = [e for e in t.all("signatures", where=lambda e: bool(e.flaw)) if 200 <= e.status < 300]
    if accepted:
        yield unverified("a badly signed event was taken, so what follows shows nothing more", *accepted)
        return
    yield holds(shown == 222, "no effect", f"a refused event set the price to {shown}", bad, *refused)
    junk = t.one("signatures", "not json")
    yield holds(
        junk.status == 401, "verified before parsing", f"parsed before verifying: {junk.status}", junk
    )


@check(
    "SIG-010",
    role="channel",
    scenarios=("signatures",),
    title="An event is accepted when one of several signatures holds",
    hint="Try every signature in the header, so that keys can rotate.",
)
def accepts_rotation(t: Transcript) -> Iterator[Outcome]:
    """A bad and a good signature together."""
    twin, event = taken(t, "signatures", "good"), t.one("signatures", "rotated")
    strange = t.one("signatures", "wrong_key")
    if strange.status != 401:
        yield unverified("a bad signature alone is not refused, so this shows nothing", strange)
        return
    good = 200 <= event.status < 300
    yield holds(good, "accepted", f"refused with {event.status} {event.problem}", event, twin)


@check(
    "EVT-012", role="channel", scenarios=("duplicates",), title="A taken event is answered by 2xx, also again"
)
def answers_again(t: Transcript) -> Iterator[Outcome]:
    """The first event, sent three times; events do have an effect here."""
    taken(t, "duplicates", "first")
    second = shelf(t, "duplicates", "after second")
    if price(second, t.fact("duplicates", "offer")) != 520:
        yield unverified("the second event had no effect", second)
        return
    for label in ("first at once again", "first again", "late"):
        event = t.one("duplicates", label)
        yield holds(200 <= event.status < 300, "taken", f"{label}: {event.status} {event.problem}", event)


@check(
    "EVT-013",
    role="channel",
    scenarios=("duplicates",),
    title="An event takes effect once",
    hint="Store the ids of events taken, in the same transaction as their effect.",
)
def once(t: Transcript) -> Iterator[Outcome]:
    """The first event, sent again after the second one, changes nothing."""
    yield _stands(t, "after first again", 510, "an event took effect again")


@check(
    "EVT-014",
    role="channel",
    scenarios=("duplicates",),
    title="An event with a lower revision than seen has no effect",
    hint="Keep the highest revision of each subject and drop lower ones.",
)
def no_stale(t: Transcript) -> Iterator[Outcome]:
    """A late event with an older revision changes nothing."""
    yield _stands(t, "after late", 530, "a stale event took effect")


def _stands(t: Transcript, label: str, wrong: int, bad: str) -> Outcome:
    """The shelf still shows what the second event brought."""
    offer, second = t.fact("duplicates", "offer"), shelf(t, "duplicates", "after second")
    after = shelf(t, "duplicates", label)
    if price(second, offer) != 520:
        return unverified("the second event had no effect", second)
    shown = price(after, offer)
    if shown == wrong:
        return failed(f"{bad}: the shelf shows {shown}", after)
    return passed("no effect", after) if shown == 520 else unverified(f"the shelf shows {shown}", after)


@check(
    "EVT-015",
    role="channel",
    scenarios=("unknown_event",),
    title="An event of an unknown type is taken and ignored",
)
def ignores_unknown(t: Transcript) -> Iterator[Outcome]:
    """2xx, and the offer stays as it was."""
    event, after = t.one("unknown_event", "unknown"), shelf(t, "unknown_event", "after unknown")
    yield holds(200 <= event.status < 300, "taken", f"{event.status} {event.problem}", event)
    amount, offer = t.fact("unknown_event", "offer price")["amount"], t.fact("unknown_event", "offer")
    shown = price(after, offer)
    if shown is None:
        yield unverified("the offer is not on the shelf", after)
    else:
        yield holds(shown == amount, "ignored", f"it set the price to {shown}", event, after)


@check(
    "EVT-016",
    role="channel",
    scenarios=("catch_up",),
    title="The channel catches up from list_events",
    hint="Keep the feed's cursor, and read to the end of the feed, page by page.",
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
    hint="Store next_cursor with the page that it came with, and begin there the next time.",
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
    hint="Read the members that you know, and let the others be.",
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
    hint="Have a default for categories, classes and states that you do not know.",
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
