"""Events: signatures and effects (spec/text/events.md)."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.judges.channel_reading import price, shelf
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
    """The event with this flaw was refused with 401 and one of these codes, and the same without it was taken."""
    twin, event = taken(t, "signatures", "bad, well signed"), t.one("signatures", label)
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
)
def once(t: Transcript) -> Iterator[Outcome]:
    """The first event, sent again after the second one, changes nothing."""
    yield _stands(t, "after first again", 510, "an event took effect again")


@check(
    "EVT-014",
    role="channel",
    scenarios=("duplicates",),
    title="An event with a lower revision than seen has no effect",
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


@check("ALT-024", role="channel", scenarios=("recalled",), title="The recall of an unknown lease is taken")
def takes_recalls(t: Transcript) -> Iterator[Outcome]:
    """2xx, as for a good event."""
    twin, event = taken(t, "recalled", "good"), t.one("recalled", "recalled")
    after = shelf(t, "recalled", "after good")
    if price(after, t.fact("recalled", "offer")) != 640:
        yield unverified("the good event had no effect", twin, after)
        return
    yield holds(200 <= event.status < 300, "taken", f"{event.status} {event.problem}", event, twin)


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
