"""Discovery, test control and the channel's own errors (spec/text/discovery.md, testing.md, conventions.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import spec
from conformance.discovery import BUYERS, capabilities, served
from conformance.judges.channel_reading import FIRST, SECOND, bought, item, items, price, shelf
from conformance.model import Outcome, check, failed, holds, passed, unverified
from conformance.transcript import Exchange, Transcript
from conformance.wire import problem_errors, response_errors

SCHEMES = ("rfc9421", "standard_webhooks")


T = TypeVar("T", dict[str, Any], list[Any])


def _member(seen: Exchange, name: str, kind: type[T]) -> T:
    """A member of the discovery document, or an empty one when it is of another kind."""
    value = seen.answer.get(name)
    return value if isinstance(value, kind) else kind()


def _document(t: Transcript) -> Exchange:
    return t.one("discovery", "discovery")


@check(
    "DSC-002", role="channel", scenarios=("buy",), title="Discovery answers a channel's document to anybody"
)
def discovery(t: Transcript) -> Iterator[Outcome]:
    """200 without authentication, fits its schema, role channel, and what it says works."""
    seen = _document(t)
    operation = spec.operation("channel", "get_discovery")
    for message in response_errors(seen, operation):
        yield failed(message, seen)
    role = seen.answer.get("role")
    yield holds(role == "channel", "a channel's document", f"the role is {role!r}", seen)
    bought(t, "buy", "bought")


@check(
    "DSC-008",
    role="channel",
    scenarios=("signatures",),
    title="Discovery names the signature scheme and where events are posted",
)
def names_scheme(t: Transcript) -> Iterator[Outcome]:
    """One of the two schemes, an absolute URL, and an event signed so and posted there is taken."""
    seen = _document(t)
    scheme, where = seen.answer.get("signature_scheme"), _member(seen, "endpoints", dict).get("events")
    yield holds(scheme in SCHEMES, f"{scheme}", f"signature_scheme is {scheme!r}", seen)
    absolute = str(where).startswith(("http://", "https://"))
    yield holds(absolute, "absolute", f"endpoints.events is {where!r}", seen)
    event, after = t.one("signatures", "good"), shelf(t, "signatures", "after good")
    if not 200 <= event.status < 300 or price(after, t.fact("signatures", "offer")) != 222:
        yield unverified(f"an event posted there, answered by {event.status}, had no effect", event, after)


@check(
    "DSC-009", role="channel", scenarios=("buy",), title="Every capability of each listed profile is declared"
)
def declares_profile(t: Transcript) -> Iterator[Outcome]:
    """As spec/profiles.yaml says."""
    seen = _document(t)
    bought(t, "buy", "bought")
    declared = {str(c.get("name")) for c in _member(seen, "capabilities", list) if isinstance(c, dict)}
    known = {profile.id: profile for profile in spec.profiles()}
    listed = [known[str(name)] for name in _member(seen, "profiles", list) if str(name) in known]
    if not listed:
        yield unverified("no known profile is listed", seen)
    for profile in listed:
        missing = sorted(set(profile.channel) - declared)
        yield holds(not missing, profile.id, f"{profile.id} without {', '.join(missing)}", seen)


@check(
    "DSC-010",
    role="channel",
    scenarios=("test_control",),
    title="sandbox is true where test control is served",
)
def says_sandbox(t: Transcript) -> Iterator[Outcome]:
    """Test control is served here, as this run shows."""
    seen, served = _document(t), bought(t, "test_control", "test_get_purchase")
    yield holds(
        seen.answer.get("sandbox") is True,
        "sandbox",
        "test control is served, but sandbox is not true",
        seen,
        served,
    )


STORIES = ("linking", "consents", "exporting", "erasing", "goods", "certificates", "transfers")


@check(
    "TST-002",
    role="channel",
    scenarios=("test_control", *STORIES),
    title="Every operation of test control is served",
)
def serves_test_control(t: Transcript) -> Iterator[Outcome]:
    """Each with its own success status, and a purchase made with them came to a good end."""
    bought(t, "test_control", "test_get_purchase")
    for operation in spec.operations("channel"):
        if operation.security != "test" or not served(operation.id, capabilities(t)):
            continue
        if operation.tag in BUYERS:
            yield _in_its_story(t, operation)
            continue
        place = ("reset", "reset") if operation.id == "test_reset" else ("test_control", operation.id)
        seen = t.one(*place)
        good = seen.status == operation.response_status
        yield holds(good, operation.id, f"{operation.id}: {seen.status} {seen.problem}{seen.error}", seen)


def _in_its_story(t: Transcript, operation: spec.Operation) -> Outcome:
    """What a buyer does was served where it was driven."""
    tried = t.all(operation=f"channel:{operation.id}", where=lambda e: e.scenario in STORIES)
    if not tried:
        return unverified(f"{operation.id} was not asked for")
    good = [one for one in tried if one.status == operation.response_status]
    last = tried[-1]
    words = f"{operation.id}: {last.status} {last.problem}{last.error}"
    return holds(bool(good), operation.id, words, *(good[:1] or tried[-1:]))


@check(
    "TST-004",
    role="channel",
    scenarios=("test_secret", "test_control"),
    title="Test control is refused without the right secret",
)
def guards_test_control(t: Transcript) -> Iterator[Outcome]:
    """No secret and a wrong one: 401 test_secret_invalid. The right one: served (TST-002)."""
    twin = t.one("test_control", "test_sync")
    for operation in spec.operations("channel"):
        if operation.security != "test" or not served(operation.id, capabilities(t)):
            continue
        for how in ("no secret", "wrong secret"):
            seen = t.one("test_secret", f"{operation.id}: {how}")
            if operation.id == "test_advance_clock" and seen.problem == "not_found":
                continue  # not served at all, which is TST-002
            good = seen.problem == "test_secret_invalid"
            yield holds(
                good, "refused", f"{operation.id} with {how}: {seen.status} {seen.problem}", seen, twin
            )


@check(
    "TST-009",
    role="channel",
    scenarios=("second_gateway",),
    title="After test_reset the channel trades with the gateway named there, and with no other",
)
def trades_with_the_second(t: Transcript) -> Iterator[Outcome]:
    """Offers and the sale are the second gateway's; the first one hears nothing more."""
    since = t.fact("second_gateway", "reset at")
    first = t.all(direction="received", label=FIRST, where=lambda e: e.started > since)
    second = t.all(direction="received", label=SECOND)
    if first:
        yield failed("the gateway before is still asked", *first[:3])
    elif not second:
        yield unverified("neither gateway was asked")
        return
    shown, offer = shelf(t, "second_gateway", "shelf"), t.fact("second_gateway", "offer")
    yield holds(
        item(shown, offer) is not None,
        "its offer is on sale",
        "the new gateway's offer is not on sale",
        shown,
    )
    old = [i for i in items(shown) if i.get("offer_id") == t.fact("buy", "offer")]
    yield holds(not old, "the old offers are gone", "offers of the gateway before are still on sale", shown)
    if not first and item(shown, offer):
        yield passed("and it was sold", bought(t, "second_gateway", "bought"))


@check(
    "ERR-010",
    role="channel",
    scenarios=("wrong_requests", "signatures", "test_secret", "buy"),
    title="The channel's own errors are problem documents of the closed catalogue",
)
def own_errors(t: Transcript) -> Iterator[Outcome]:
    """An unknown intent, an invalid body and a malformed one; and whatever else was answered by an error."""
    bought(t, "buy", "bought")
    expected = {
        "unknown intent": ("not_found",),
        "invalid": ("invalid",),
        "malformed": ("malformed", "invalid"),
    }
    for label, codes in expected.items():
        seen = t.one("wrong_requests", label)
        good = seen.problem in codes
        yield holds(good, seen.problem, f"{label}: {seen.status} {seen.problem or 'without a problem'}", seen)
    for exchange in t.all(direction="sent", where=lambda e: e.status >= 400):
        for message in list(problem_errors(exchange))[:1]:
            yield failed(f"{exchange.operation.removeprefix('channel:')}: {message}", exchange)
