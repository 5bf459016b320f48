"""Judges of who a buyer is, and of what links bring together and apart again (identity.md)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from conformance.judges.gateway_evidence import (
    dig,
    every,
    good,
    is_problem,
    items,
    ok,
    refusal,
    said,
    spoken,
    trace_id,
    trace_of,
    walk,
)
from conformance.model import MissingError, Outcome, check, holds
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway", capability="identity")
Json = dict[str, Any]


def linked(t: Transcript, story: str, label: str) -> tuple[Exchange, bool]:
    """The profile of this label, and whether it says that she has other accounts."""
    seen = good(t, story, label)
    return seen, seen.answer.get("linked") is True


def joined(t: Transcript, story: str, *labels: str) -> list[Exchange]:
    """Profiles that all say so; raises MissingError when one does not: then there is nothing to come apart."""
    found = [linked(t, story, label) for label in labels]
    if not all(now for _, now in found):
        raise MissingError(f"the accounts were not linked: {[now for _, now in found]}")
    return [seen for seen, _ in found]


def feed(t: Transcript, story: str, label: str, kind: str) -> tuple[list[Exchange], list[Json]]:
    """The pages of a feed, as it was read last, and its events of this type, each once."""
    pages = t.all(story, label=label, where=ok)
    found = {str(one.get("id")): one for page in pages for one in items(page) if one.get("type") == kind}
    return pages, list(found.values())


@gateway("IDN-001", title="A buyer keeps her id", scenarios=("buyers", "links_undone"))
def stable(t: Transcript) -> Iterator[Outcome]:
    """Resolved twice; and after links were made and undone."""
    pairs = [("buyers", "resolve a", "resolve again a")]
    pairs += [("links_undone", f"resolve {who}", f"resolve after all {who}") for who in "ab"]
    for story, before, after in pairs:
        first, second = good(t, story, before), good(t, story, after)
        ids = (first.answer.get("id"), second.answer.get("id"))
        yield holds(
            ids[0] == ids[1], f"{after}: the same id", f"{after}: {ids[1]}, before {ids[0]}", first, second
        )


@gateway("IDN-002", title="Each channel has an id of its own for her", scenarios=("buyers", "links_undone"))
def pairwise(t: Transcript) -> Iterator[Outcome]:
    """The same name on two channels, and two accounts that are linked."""
    for story, labels in (("buyers", ("resolve a", "resolve b")), ("links_undone", ("linked a", "linked b"))):
        seen = [good(t, story, label) for label in labels]
        ids = [one.answer.get("id") for one in seen]
        yield holds(len(set(ids)) == 2, f"{story}: two ids", f"{story}: both are {ids[0]}", *seen)


@gateway("IDN-003", title="Another channel's buyer is nobody", scenarios=("buyers",))
def isolated(t: Transcript) -> Iterator[Outcome]:
    """Read, confirm and list, as the channel that has not resolved her; and the same of an id that nobody has."""
    good(t, "buyers", "resolve a")
    for what in ("read", "confirm", "links"):
        seen, nobody = t.one("buyers", f"{what} as b"), t.one("buyers", f"{what} of nobody")
        alike = is_problem(seen, "not_found") and is_problem(nobody, "not_found")
        bad = f"{what}: {said(seen)} for another's, {said(nobody)} for nobody's"
        yield holds(alike, f"{what}: not_found for both", bad, seen, nobody)


@gateway("IDN-004", title="Nothing tells a channel of the other one", scenarios=("links_undone",))
def unjoinable(t: Transcript) -> Iterator[Outcome]:
    """What each channel is sent while and after its account is linked: no id, name or trace of the other's."""
    joined(t, "links_undone", "linked a", "linked b")
    for who, other in ("ab", "ba"):
        secret = {str(t.fact("links_undone", f"{name} {other}")) for name in ("id", "subject")}
        traces = {trace_of(e) for e in t.all("links_undone") if e.label.endswith(f" {other}")} - {None}
        seen = [e for e in t.all("links_undone", where=ok) if e.label.endswith(f" {who}")]
        found = [
            (e, f"{e.label} shows {word} of the other account")
            for e in seen
            for word in sorted(secret)
            if word in str(e.answer)
        ]
        events = [(e, one) for e in seen for one in items(e) if str(one.get("type")).startswith("buyer.")]
        found += [
            (e, f"{one.get('type')} of {who} has the trace of the other channel's request")
            for e, one in events
            if trace_id(one.get("traceparent")) in traces
        ]
        yield from every(found, len(seen), f"{who}: nothing of the other account")


@gateway("IDN-005", title="What channels claim links nobody", scenarios=("buyers",))
def unclaimed(t: Transcript) -> Iterator[Outcome]:
    """One address and one number, claimed on both channels."""
    for who in "ab":
        seen, now = linked(t, "buyers", f"profile with claims {who}")
        yield holds(not now, f"{who} is not linked", f"{who} is linked by a claim", seen)


@gateway("IDN-006", title="Addresses and numbers are masked", scenarios=("buyers", "email_links"))
def masked(t: Transcript) -> Iterator[Outcome]:
    """In everything that the gateway says to channels."""
    good(t, "buyers", "profile with claims a")
    facts = [t.fact("buyers", "email"), t.fact("buyers", "phone"), t.fact("email_links", "email")]
    words = [str(one).lower() for one in facts]
    found, seen = [], 0
    for exchange, value in spoken(t):
        if exchange.scenario in ("buyers", "email_links") and not exchange.operation.startswith("test_"):
            seen += 1
            texts = [part.lower() for _, part in walk(value) if isinstance(part, str)]
            found += [
                (exchange, f"{exchange.label} shows it in full")
                for one in words
                if any(one in x for x in texts)
            ]
    yield from every(found, seen, "masked everywhere")


@gateway("IDN-007", title="A contact is verified by proof only", scenarios=("email_links", "buyers"))
def verified(t: Transcript) -> Iterator[Outcome]:
    """Claimed, then proved."""
    for story, label, wanted in (("buyers", "profile with claims a", False), ("email_links", "claimed a", False),
                                 ("email_links", "proved a", True)):  # fmt: skip
        seen = good(t, story, label)
        contacts = seen.answer.get("contacts")
        found = [dig(one, "verified") for one in contacts if dig(one, "kind") == "email"] if contacts else []
        yield holds(
            found == [wanted], f"{label}: {wanted}", f"{label}: verified is {found}, not {wanted}", seen
        )


def _limited(t: Transcript) -> None:
    """Raises MissingError unless two accounts were linked and the limit holds for one of them by itself."""
    joined(t, "shared_limits", "linked a", "linked b")
    good(t, "shared_limits", "before a")
    if not is_problem(t.one("shared_limits", "too much alone a"), "purchase_limit_reached"):
        raise MissingError("the limit does not hold for one account")


@gateway("IDN-040", title="A buyer's limit counts over her accounts", scenarios=("shared_limits",))
def shared(t: Transcript) -> Iterator[Outcome]:
    """Three of four on one channel, then two and one on the other."""
    _limited(t)
    yield from refusal(
        t, "shared_limits", "too much when linked b", "purchase_limit_reached", "the rest when linked b"
    )


@gateway(
    "IDN-042", title="What is undone is apart again", scenarios=("links_undone", "shared_limits", "link_ring")
)
def undone(t: Transcript) -> Iterator[Outcome]:
    """Neither is linked any more, and each has of a limit what the other has not bought."""
    joined(t, "links_undone", "linked a", "linked b")
    for who in "ab":
        seen, now = linked(t, "links_undone", f"unlinked {who}")
        yield holds(not now, f"{who} is alone again", f"{who} is still linked", seen)
    _limited(t)
    good(t, "shared_limits", "the rest when linked b")
    if ok(t.one("shared_limits", "too much when linked b")):
        raise MissingError("limits are not counted over accounts")
    own = t.one("shared_limits", "own rest when apart b")
    yield holds(ok(own), "b buys its own rest", f"b's own rest: {said(own)}", own)
    yield from refusal(
        t, "shared_limits", "too much when apart a", "purchase_limit_reached", "own rest when apart a"
    )


@gateway("IDN-048", title="Joinings and splittings are on record", scenarios=("links_undone",))
def audited(t: Transcript) -> Iterator[Outcome]:
    """The proof that joined two accounts, and the end of the link: each with its trace and both accounts."""
    joined(t, "links_undone", "linked a", "linked b")
    if linked(t, "links_undone", "unlinked a")[1]:
        raise MissingError("the accounts did not come apart")
    seen, both = good(t, "links_undone", "audit"), {str(t.fact("links_undone", f"id {who}")) for who in "ab"}
    for change, label in (("joined", "proof b"), ("split", "unlink b")):
        cause = good(t, "links_undone", label)
        found = [one for one in items(seen) if one.get("change") == change]
        told = [(one.get("trace_id"), set(one.get("accounts") or [])) for one in found]
        right = (trace_of(cause), both) in told
        wrong = f"{change}: not among {len(found)} records"
        yield holds(right, f"{change}: on record", wrong, seen, cause)


@gateway("IDN-044", title="What another link joins stays together", scenarios=("link_ring",))
def still_joined(t: Transcript) -> Iterator[Outcome]:
    """One link of a ring goes."""
    joined(t, "link_ring", "ring a", "ring b", "ring c")
    good(t, "link_ring", "unlink one of the ring c")
    for who in "abc":
        seen, now = linked(t, "link_ring", f"chain {who}")
        yield holds(now, f"{who} is still linked", f"{who} is not linked any more", seen)


@gateway("IDN-041", title="Every account's channel hears that she is linked", scenarios=("links_undone",))
def told_linked(t: Transcript) -> Iterator[Outcome]:
    """By the account's own id, and with a profile that says so."""
    joined(t, "links_undone", "linked a", "linked b")
    yield from _told(t, "feed when linked", "buyer.linked", True)


@gateway("IDN-043", title="Every account's channel hears that she is split", scenarios=("links_undone",))
def told_unlinked(t: Transcript) -> Iterator[Outcome]:
    """By the account's own id, and with a profile that says so."""
    for who in "ab":
        if linked(t, "links_undone", f"unlinked {who}")[1]:
            raise MissingError("the accounts were not split")
    joined(t, "links_undone", "linked a", "linked b")
    yield from _told(t, "feed when unlinked", "buyer.unlinked", False)


def _told(t: Transcript, label: str, kind: str, now: bool) -> Iterator[Outcome]:
    for who in "ab":
        pages, events = feed(t, "links_undone", f"{label} {who}", kind)
        wanted = (t.fact("links_undone", f"id {who}"), now)
        found = [(one.get("subject"), dig(one, "data", "buyer", "linked")) for one in events]
        bad = f"{who}: {kind} says {found}, not {wanted}"
        yield holds(wanted in found, f"{who}: told", bad, *pages[-1:])


@gateway("IDN-045", title="A proof once more changes nothing", scenarios=("links_undone",))
def once_more(t: Transcript) -> Iterator[Outcome]:
    """One link is listed, the newest, and one event was sent."""
    joined(t, "links_undone", "linked a", "linked b")
    newest, listed = good(t, "links_undone", "proof again b"), good(t, "links_undone", "links b")
    found = [one.get("id") for one in items(listed)]
    yield holds(
        found == [newest.answer.get("id")], "one link", f"{len(found)} links: {found}", newest, listed
    )
    pages, events = feed(t, "links_undone", "feed after proof again a", "buyer.linked")
    yield holds(len(events) <= 1, "no other event", f"{len(events)} events buyer.linked", *pages[-1:])


@gateway(
    "IDN-046", title="Links at once end in one buyer", scenarios=("link_rush", "link_codes", "shared_limits")
)
def rushed(t: Transcript) -> Iterator[Outcome]:
    """Six in a chain: of one unit to a buyer, one is sold, where link codes join and limits are shared at all."""
    joined(t, "link_codes", "after redeeming a", "after redeeming b")
    if not is_problem(t.one("shared_limits", "too much when linked b"), "purchase_limit_reached"):
        raise MissingError("limits are not counted over accounts")
    redeemed = t.all("link_rush", operation="redeem_link_code", where=ok)
    if len(redeemed) < 5:
        raise MissingError(f"{len(redeemed)} of five links were made")
    bought = t.all("link_rush", operation="create_order", where=ok)
    if not bought:
        raise MissingError("nothing was sold")
    yield holds(len(bought) == 1, "one buyer", f"as {len(bought)} buyers at least", *redeemed, *bought)
