"""Judges of what a buyer allows, and of receipts (consent.md)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import spec
from conformance.judges.gateway_evidence import dig, good, is_problem, items, moment, ok, refusal, said
from conformance.judges.gateway_identity import feed, joined
from conformance.model import MissingError, Outcome, check, holds
from conformance.tokens import verified
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway", capability="consent")
Json = dict[str, Any]
PURPOSES = ("fulfilment", "fraud_prevention", "personalisation", "attribution", "marketing")
DECIDED = ("give", "give again", "give otherwise")  # about marketing, in the story consents


def listed(exchange: Exchange, purpose: str) -> Json:
    """The row about a purpose in a list of consents; empty when there is none."""
    return next((one for one in items(exchange) if one.get("purpose") == purpose), {})


def use(exchange: Exchange, purpose: str, origin: str) -> tuple[Any, Any]:
    """Whether it is allowed, and the reason."""
    rows = [one for one in items(exchange) if (one.get("purpose"), one.get("origin")) == (purpose, origin)]
    return (rows[0].get("allowed"), rows[0].get("reason")) if rows else (None, None)


@gateway("CNS-001", title="Every purpose is listed", scenarios=("consents",))
def told(t: Transcript) -> Iterator[Outcome]:
    """Each purpose that the gateway answers for by itself, and with what counts for it before any decision."""
    seen = good(t, "consents", "untold a")
    for purpose in PURPOSES:
        one = t.one("consents", f"untold {purpose} a")
        if is_problem(one, "not_found"):
            continue
        row, wanted = listed(seen, purpose), ("legal_basis", "decision", "revision")
        same = ok(one) and all(row.get(name) == one.answer.get(name) is not None for name in wanted)
        yield holds(
            same, f"{purpose} is listed", f"{purpose}: listed as {row}, read as {said(one)}", seen, one
        )


@gateway("CNS-002", title="A decision is shown", scenarios=("consents",))
def decided(t: Transcript) -> Iterator[Outcome]:
    """By itself and in the list, with its scope."""
    good(t, "consents", "give a")
    one, many = good(t, "consents", "given a"), good(t, "consents", "told a")
    for seen, row in ((one, one.answer), (many, listed(many, "marketing"))):
        shown = (row.get("decision"), dig(row, "scope", "kind"))
        yield holds(
            shown == ("given", "all_channels"), f"{seen.label}: given", f"{seen.label}: {shown}", seen
        )


@gateway("CNS-003", title="What a contract needs is not decided", scenarios=("consents",))
def contract(t: Transcript) -> Iterator[Outcome]:
    """Fulfilment, where it is a purpose."""
    yield from refusal(t, "consents", "decide contract b", "consent_not_needed", "give b")


@gateway("CNS-004", title="No consent for the past, none to nobody", scenarios=("consents",))
def sensible(t: Transcript) -> Iterator[Outcome]:
    """An end two hours ago, and a channel that there is not."""
    for label, twin in (
        ("give until the past a", "give until later a"),
        ("give to nobody a", "give to itself a"),
    ):
        yield from refusal(t, "consents", label, "invalid", twin)


@gateway("CNS-005", title="The same again is no new decision", scenarios=("consents",))
def once(t: Transcript) -> Iterator[Outcome]:
    """Sent twice, and then another one."""
    seen = [good(t, "consents", f"{label} a") for label in DECIDED]
    first, again, other = (one.answer.get("revision") for one in seen)
    yield holds(first == again, "the same revision", f"revision {first}, then {again}", *seen[:2])
    rose = isinstance(first, int) and isinstance(other, int) and other > first
    yield holds(rose, "another decision raises it", f"revision {first}, then {other} for another", *seen)


@gateway("CNS-006", title="The newest decision counts for all accounts", scenarios=("consents_shared",))
def everywhere(t: Transcript) -> Iterator[Outcome]:
    """Given on one channel and read on the other; withdrawn there, and read on the first."""
    joined(t, "consents_shared", "linked a", "linked b")
    for made, read, wanted in (("give a", "read b", "given"), ("withdraw b", "read after a", "withdrawn")):
        one, other = good(t, "consents_shared", made), good(t, "consents_shared", read)
        shown = (other.answer.get("decision"), other.answer.get("revision"))
        same = shown == (wanted, one.answer.get("revision"))
        yield holds(same, f"{read}: {wanted}", f"{read}: {shown}, not {wanted}", one, other)


@gateway("CNS-007", title="A consent ends at its time", scenarios=("consents_expire",))
def ends(t: Transcript) -> Iterator[Outcome]:
    """Read at that instant; and nothing is used by it."""
    before = good(t, "consents_expire", "uses before a")
    if use(before, "marketing", "this_channel")[0] is not True:
        raise MissingError("the consent was not in force before its end")
    seen, uses = good(t, "consents_expire", "read late a"), good(t, "consents_expire", "uses late a")
    shown = seen.answer.get("decision")
    yield holds(shown == "expired", "it is expired", f"it is {shown} at its expires_at", seen)
    found = use(uses, "marketing", "this_channel")
    yield holds(found[0] is False, "nothing is used by it", f"it is used: {found}", before, uses)


@gateway("CNS-008", title="Each channel is told of a decision", scenarios=("consents_shared",))
def announced(t: Transcript) -> Iterator[Outcome]:
    """Of a consent and its withdrawal, made on different channels."""
    joined(t, "consents_shared", "linked a", "linked b")
    for label in ("give a", "withdraw b"):
        good(t, "consents_shared", label)
    for who in "ab":
        pages, events = feed(t, "consents_shared", f"events {who}", "consent.changed")
        own = str(t.fact("consents_shared", f"id {who}"))
        mine = [e for e in events if dig(e, "data", "consent", "buyer_id") == own]
        shown = [dig(e, "data", "consent", "decision") for e in mine]
        right = shown == ["given", "withdrawn"] and len(mine) == len(events)
        yield holds(
            right, f"{who} is told of both", f"{who} is told {shown} under its id, of {len(events)}", *pages
        )


def _receipts(t: Transcript) -> list[tuple[Exchange, Json, Json]]:
    """Answers of decisions, what their receipts say, verified, or the error."""
    keys = good(t, "consents", "keys").answer
    seen = [good(t, "consents", f"{label} a") for label in (*DECIDED, "object")]
    return [(one, one.answer, verified(str(one.answer.get("receipt")), keys)) for one in seen]


@gateway("CNS-010", title="Each decision has a signed receipt", scenarios=("consents",))
def receipts(t: Transcript) -> Iterator[Outcome]:
    """By a published key, of the right type, with all fields."""
    for seen, _, token in _receipts(t):
        kind = dig(token, "header", "typ")
        faults = spec.validator("ConsentReceiptClaims").errors(token.get("claims", {}))
        right = "error" not in token and kind == "vgcp-consent+jwt" and not faults
        yield holds(
            right, f"{seen.label}: signed", f"{seen.label}: {token.get('error') or kind or faults}", seen
        )


@gateway("CNS-011", title="A receipt says what was decided", scenarios=("consents",))
def faithful(t: Transcript) -> Iterator[Outcome]:
    """Purpose, legal basis, decision, scope and time of the consent."""
    for label in (*DECIDED, "object"):
        seen = good(t, "consents", f"{label} a")
        said_in = _claims(seen.answer.get("receipt"))
        purpose, event = dig(said_in, "purposes", 0), dig(said_in, "events", 0)
        given = seen.answer.get("decision") == "given"
        stated = {
            "purpose": (dig(purpose, "purpose"), seen.answer.get("purpose")),
            "legal_basis": (dig(purpose, "lawful_basis"), seen.answer.get("legal_basis")),
            "decision": (dig(event, "event_state"), f"consent_{seen.answer.get('decision')}"),
            "time": (moment(dig(event, "event_time")), moment(seen.answer.get("decided_at"))),
        }
        if given:
            stated["scope"] = (dig(purpose, "recipients", "kind"), dig(seen.answer, "scope", "kind"))
        wrong = {name: pair for name, pair in stated.items() if pair[0] != pair[1]}
        yield holds(not wrong, f"{label}: as decided", f"{label}: the receipt says otherwise: {wrong}", seen)


def _claims(receipt: Any) -> Json:
    """What a receipt says, whoever has signed it; raises MissingError when it says nothing."""
    encoded = str(receipt).split(".")[1:2]
    try:
        claims = json.loads(base64.urlsafe_b64decode("".join(encoded) + "==="))
    except ValueError as error:
        raise MissingError("there is no receipt that can be read") from error
    return claims if isinstance(claims, dict) else {}


@gateway("CNS-012", title="A receipt speaks her language", scenarios=("consents",))
def spoken(t: Transcript) -> Iterator[Outcome]:
    """After a notice in English, and after one in Chinese."""
    seen = good(t, "consents", "receipts a")
    texts = {one.get("revision"): str(one.get("text", "")) for one in items(seen)}
    for label, chinese in (("give", False), ("give otherwise", True)):
        made = good(t, "consents", f"{label} a")
        text = texts.get(made.answer.get("revision"))
        if text is None:
            continue
        found = any("\u4e00" <= letter <= "\u9fff" for letter in text)
        wanted = "Chinese" if chinese else "English"
        yield holds(
            found == chinese, f"{label}: in {wanted}", f"{label}: not in {wanted}: {text[:60]}", made, seen
        )


@gateway("CNS-013", title="Receipts are kept", scenarios=("consents",))
def kept(t: Transcript) -> Iterator[Outcome]:
    """Of every decision about a purpose, the newest first."""
    made = [good(t, "consents", f"{label} a") for label in DECIDED]
    wanted = sorted({int(one.answer.get("revision") or 0) for one in made}, reverse=True)
    seen = good(t, "consents", "receipts a")
    shown = [one.get("revision") for one in items(seen)]
    yield holds(shown == wanted, "all receipts", f"receipts of {shown}, decisions {wanted}", *made, seen)


@gateway("CNS-016", title="What is used is said, and why", scenarios=("consents",))
def explained(t: Transcript) -> Iterator[Outcome]:
    """Every purpose that is listed, here and elsewhere; and the reasons of four of them."""
    seen, purposes = good(t, "consents", "uses a"), good(t, "consents", "untold a")
    for row in items(purposes):
        for origin in ("this_channel", "other_channels"):
            found = use(seen, str(row.get("purpose")), origin)
            words = f"{row.get('purpose')}, {origin}"
            yield holds(isinstance(found[0], bool), f"{words}: said", f"{words}: nothing is said", seen)
    expected = {
        "fulfilment": (True, "own_data"),
        "fraud_prevention": (False, "withdrawn"),
        "personalisation": (False, "no_consent"),
        "marketing": (True, "consent_given"),
    }
    for purpose, wanted in expected.items():
        found = use(seen, purpose, "this_channel")
        if listed(purposes, purpose):
            yield holds(found == wanted, f"{purpose}: {wanted[1]}", f"{purpose}: {found}, not {wanted}", seen)
