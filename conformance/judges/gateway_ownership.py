"""Judges of what buyers own (ownership.md): entitlements, and their way from one to another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import spec
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
    walk,
)
from conformance.model import MissingError, Outcome, check, failed, holds, passed
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway", capability="ownership")
OWNING, AFTER, HANDING, RULES = ("owning",), ("after_owning",), ("handing_on",), ("handing_on_rules",)


def status_of(t: Transcript, story: str, label: str, wanted: str) -> Outcome:
    """The entitlement under this label has to be so."""
    seen = good(t, story, label)
    status = seen.answer.get("status")
    return holds(status == wanted, f"{label}: {wanted}", f"{label}: {status}, not {wanted}", seen)


@gateway("OWN-001", title="What is delivered is owned", scenarios=OWNING)
def owned(t: Transcript) -> Iterator[Outcome]:
    """Each of two deliveries names an entitlement of its own, which is active and names the delivery."""
    found = items(good(t, "owning", "deliveries of two"))
    names = [one.get("entitlement_id") for one in found]
    words = f"{len(found)} deliveries name {len({*names} - {None})} entitlements"
    yield holds(
        len(found) == 2 == len({*names} - {None}), words, words, good(t, "owning", "deliveries of two")
    )
    seen = good(t, "owning", "entitlement")
    told = (seen.answer.get("id"), seen.answer.get("status"), seen.answer.get("delivery_id"))
    wanted = (names[0] if names else None, "active", found[0].get("id") if found else None)
    yield holds(told == wanted, "it is active", f"the entitlement is {told}, not {wanted}", seen)


@gateway("OWN-002", title="All that a buyer owns is listed", scenarios=OWNING)
def listed(t: Transcript) -> Iterator[Outcome]:
    """Three units in pages of two, the newest first."""
    pages = t.all("owning", label="owned")
    found = [str(one.get("id")) for page in pages for one in items(page)]
    wanted = [str(one) for one in t.fact("owning", "owned")]
    good(t, "owning", "owned")
    words = f"{len(found)} of {len(wanted)} are listed, the newest first"
    right = {*found} >= {*wanted} and len({*found}) == len(found) and found[:1] == wanted[-1:]
    yield holds(right, words, f"listed are {found}, owned {wanted}", *pages)


@gateway("OWN-003", title="Nobody else's entitlements can be seen", scenarios=OWNING)
def private(t: Transcript) -> Iterator[Outcome]:
    """Another channel asks for the entitlement and the list, as for one that there is not."""
    good(t, "owning", "entitlement")
    nothing = t.one("owning", "look at nothing")
    for label in ("stranger's look", "stranger's list"):
        seen = t.one("owning", label)
        same = is_problem(seen, "not_found") and is_problem(nothing, "not_found")
        yield holds(same, f"{label}: not_found", f"{label}: {said(seen)}", seen, nothing)


@gateway("OWN-005", title="What is refunded is revoked", scenarios=AFTER)
def revoked(t: Transcript) -> Iterator[Outcome]:
    """After the refund, and by an event."""
    good(t, "after_owning", "refund")
    yield status_of(t, "after_owning", "refunded", "revoked")
    yield _told(
        t, "after_owning", "entitlement.revoked", good(t, "after_owning", "refunded").answer.get("id")
    )


@gateway("OWN-006", title="What is disputed is suspended", scenarios=AFTER)
def suspended(t: Transcript) -> Iterator[Outcome]:
    """After the dispute."""
    good(t, "after_owning", "dispute")
    yield status_of(t, "after_owning", "disputed", "suspended")


@gateway("OWN-007", title="What is disputed no more is active", scenarios=AFTER)
def resumed(t: Transcript) -> Iterator[Outcome]:
    """After the merchant has dismissed the dispute."""
    good(t, "after_owning", "dismissal")
    yield status_of(t, "after_owning", "dismissed", "active")


@gateway("OWN-008", title="A replacement is the same entitlement", scenarios=AFTER)
def replaced(t: Transcript) -> Iterator[Outcome]:
    """It names the new delivery, and the new delivery names it."""
    made, seen = good(t, "after_owning", "replacement"), good(t, "after_owning", "after replacement")
    new = dig(made.answer, "delivery", "id")
    told = (
        seen.answer.get("status"),
        seen.answer.get("delivery_id"),
        dig(made.answer, "delivery", "entitlement_id"),
    )
    wanted = ("active", new, seen.answer.get("id"))
    yield holds(told == wanted, "it is of the new delivery", f"it is {told}, not {wanted}", made, seen)


@gateway("OWN-009", title="What is used up is used up once", scenarios=OWNING)
def consumed(t: Transcript) -> Iterator[Outcome]:
    """Consumed, and refused the second time."""
    yield from refusal(t, "owning", "consume again", "entitlement_not_active", "consume")
    yield status_of(t, "owning", "consumed", "consumed")


@gateway("OWN-010", title="What is owned for days ends", scenarios=("owning_ends",))
def ended(t: Transcript) -> Iterator[Outcome]:
    """Active before, expired two days later."""
    yield status_of(t, "owning_ends", "before", "active")
    yield status_of(t, "owning_ends", "after", "expired")


@gateway("OWN-011", title="Changes of an entitlement are told", scenarios=AFTER)
def told(t: Transcript) -> Iterator[Outcome]:
    """A dispute and a replacement, each with the entitlement as it is then."""
    for label in ("disputed", "after replacement"):
        seen = good(t, "after_owning", label)
        name = seen.answer.get("id")
        outcome = _told(t, "after_owning", "entitlement.updated", name)
        data = [_data(e) for e in _events(t, "after_owning", "entitlement.updated", name)]
        member = "status" if label == "disputed" else "delivery_id"
        shown = [one.get(member) for one in data]
        fits = seen.answer.get(member) in shown
        yield outcome if not data else holds(fits, f"{label}: told", f"{label}: told as {shown}", seen)


@gateway("OWN-012", title="The history has every change", scenarios=OWNING)
def remembered(t: Transcript) -> Iterator[Outcome]:
    """Issued, then consumed."""
    good(t, "owning", "consume")
    pages = t.all("owning", label="history")
    found = [one.get("change") for page in pages for one in items(page)]
    yield holds(found == ["issued", "consumed"], "issued, consumed", f"the history is {found}", *pages)


@gateway("OWN-013", title="An entitlement lives by its table", scenarios=("after_owning", "owning"))
def by_the_table(t: Transcript) -> Iterator[Outcome]:
    """Each status that a channel saw follows from the one before, in whatever steps."""
    life, wrong, seen = spec.entitlement_transitions(), [], 0
    known: dict[tuple[str, str, str], tuple[int, str]] = {}
    for exchange, value in spoken(t):
        for one in _entitlements(value):
            seen += 1
            key = (exchange.scenario, _asker(exchange), one["id"])
            revision, before = known.get(key, (0, life.initial))
            if one["revision"] <= revision:
                continue
            if one["status"] not in _reachable(before):
                wrong.append((exchange, f"{before} became {one['status']}"))
            known[key] = (one["revision"], one["status"])
    yield from every(wrong, seen, "every status follows from the one before")


@gateway("OWN-026", title="A code to hand on is shown once", scenarios=HANDING)
def code_once(t: Transcript) -> Iterator[Outcome]:
    """In the answer that made it, and in nothing else that the gateway says."""
    made = good(t, "handing_on", "offer it")
    code = made.answer.get("code")
    if not isinstance(code, str) or not code:
        yield failed("there is no code", made)
        return
    good(t, "handing_on", "transfer")
    again = [e for e, value in spoken(t) if e.number != made.number and code in json.dumps(value)]
    yield holds(not again, "nowhere else", "the code is shown again", made, *again[:3])


@gateway("OWN-027", title="Who accepts is the owner", scenarios=HANDING)
def handed_on(t: Transcript) -> Iterator[Outcome]:
    """She has it, it is in her list, and it is transferred for the one who had it."""
    good(t, "handing_on", "accept")
    seen, who = good(t, "handing_on", "new owner's look"), t.fact("handing_on", "recipient")
    found = (seen.answer.get("status"), seen.answer.get("buyer_id"))
    yield holds(found == ("active", who), "it is hers", f"it is {found}, not hers", seen)
    page = good(t, "handing_on", "new owner's list")
    names = [one.get("id") for one in items(page)]
    yield holds(seen.answer.get("id") in names, "it is listed", "it is not in her list", page)
    yield status_of(t, "handing_on", "old owner's look", "transferred")


@gateway("OWN-028", title="A code is good for one", scenarios=("handing_on_rush", "handing_on"))
def accepted_once(t: Transcript) -> Iterator[Outcome]:
    """Entered again, and by six at once."""
    yield from refusal(t, "handing_on", "accept again", "transfer_not_open", "accept")
    rush = t.all("handing_on_rush", label="rush")
    won = [e for e in rush if ok(e)]
    refused = [e for e in rush if is_problem(e, "transfer_not_open")]
    if not rush:
        raise MissingError("nobody entered the code")
    words = f"{len(won)} of {len(rush)} were served, {len(refused)} refused with transfer_not_open"
    yield holds((len(won), len(refused)) == (1, len(rush) - 1), words, words, *rush)


@gateway("OWN-029", title="Not everything is handed on", scenarios=RULES)
def kept(t: Transcript) -> Iterator[Outcome]:
    """Never, not once it is revealed, and not when it is used up."""
    for label in ("hand on never", "offer after reveal", "offer consumed"):
        yield from refusal(t, "handing_on_rules", label, "transfer_not_allowed", "offer before reveal")


@gateway("OWN-030", title="It is offered to one at a time", scenarios=RULES)
def offered_once(t: Transcript) -> Iterator[Outcome]:
    """A second offer while one is open."""
    yield from refusal(t, "handing_on_rules", "offer twice", "transfer_open", "offer")


@gateway("OWN-031", title="An offer that has ended is worth nothing", scenarios=(*RULES, "owning_ends"))
def over(t: Transcript) -> Iterator[Outcome]:
    """Cancelled, declined, expired: it stays with its owner, and the code is refused."""
    story = "handing_on_rules"
    for label in ("accept cancelled", "accept declined"):
        yield from refusal(t, story, label, "transfer_not_open", "accept wanted")
    for label in ("after cancel", "after decline"):
        seen = good(t, story, label)
        free = seen.answer.get("status") == "active" and "transfer" not in seen.answer
        yield holds(free, f"{label}: hers", f"{label}: {seen.answer.get('status')}, or still offered", seen)
    yield from refusal(t, "owning_ends", "late answer", "transfer_not_open", "timely answer")


@gateway("OWN-032", title="The goods go to the new owner", scenarios=HANDING)
def goods_follow(t: Transcript) -> Iterator[Outcome]:
    """Her channel reveals them, and the old one knows no such delivery."""
    good(t, "handing_on", "accept")
    new, old = t.one("handing_on", "new reveal"), t.one("handing_on", "old reveal")
    yield holds(ok(new), "the new channel reveals it", f"the new channel: {said(new)}", new)
    yield holds(is_problem(old, "not_found"), "the old one: not_found", f"the old one: {said(old)}", old)


@gateway("OWN-034", title="What was handed on is not refunded", scenarios=HANDING)
def not_refunded(t: Transcript) -> Iterator[Outcome]:
    """The unit that is still hers is refunded, the other is not."""
    good(t, "handing_on", "accept")
    story = "handing_on"
    yield from refusal(t, story, "refund of the other", "entitlement_transferred", "refund of one")


@gateway("OWN-035", title="Both channels are told of a transfer", scenarios=HANDING)
def both_told(t: Transcript) -> Iterator[Outcome]:
    """One says transferred, one active; and neither names the other's buyer or order."""
    name = good(t, "handing_on", "accept").answer.get("id")
    found = _events(t, "handing_on", "entitlement.transferred", name)
    shown = {str(one.get("status")): one for one in map(_data, found)}
    words = f"told as {sorted(shown)}"
    yield holds({*shown} == {"active", "transferred"}, words, words, *found)
    names, who = t.fact("handing_on", "names"), str(t.fact("handing_on", "recipient"))
    leaks = [one for one in names if str(one) in json.dumps(shown.get("active", {}))]
    leaks += [who] if who in json.dumps(shown.get("transferred", {})) else []
    yield holds(not leaks, "each of its own", f"one is told of the other's {leaks}", *found)


def _told(t: Transcript, story: str, kind: str, name: Any) -> Outcome:
    found = _events(t, story, kind, name)
    if found:
        return passed(f"{kind} was sent", found[0])
    return failed(f"no {kind} of it was sent", *t.all(story, direction="received")[-1:])


def _events(t: Transcript, story: str, kind: str, name: Any) -> list[Exchange]:
    """The posts of such events about this entitlement."""
    tries = t.all(story, direction="received")
    return [e for e in tries if (e.asked.get("type"), e.asked.get("subject")) == (kind, name)]


def _data(exchange: Exchange) -> dict[str, Any]:
    found = dig(exchange.asked, "data", "entitlement")
    return found if isinstance(found, dict) else {}


def _asker(exchange: Exchange) -> str:
    """Whose view it is: what two channels see of one entitlement are two stories."""
    if exchange.direction == "received":
        return exchange.request.url
    return (exchange.request.header("authorization") or "")[-16:]


def _entitlements(value: Any) -> Iterator[dict[str, Any]]:
    for _, one in walk(value):
        named = isinstance(one, dict) and {"id", "product", "transferable"} <= one.keys()
        if named and isinstance(one.get("revision"), int) and isinstance(one.get("status"), str):
            yield one


def _reachable(status: str) -> set[str]:
    found, steps = {status}, spec.entitlement_transitions().steps()
    while more := {target for source, target in steps if source in found} - found:
        found |= more
    return found
