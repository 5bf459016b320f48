"""Judges of buyers.md, who a buyer is and what she allows: linking, codes, consents, erasure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

import spec
from conformance.discovery import BUYERS
from conformance.judges.channel_reading import asked, keys, price, shelf
from conformance.model import MissingError, Outcome, check, failed, holds, passed, unverified
from conformance.transcript import Exchange, Transcript

PLAIN = "gateway without buyers"
identity = partial(check, role="channel", capability="identity")
consent = partial(check, role="channel", capability="consent")


def told(t: Transcript, scenario: str, label: str) -> Exchange:
    """What a buyer was told; raises MissingError when test control did not answer."""
    seen = t.one(scenario, label)
    if not seen.status:
        raise MissingError(f"{scenario}: {label} was not answered")
    return seen


def done(t: Transcript, scenario: str, label: str, *status: str) -> Exchange:
    """As `told`, of what must have worked: 2xx, and one of these where a status is named."""
    seen = told(t, scenario, label)
    if not 200 <= seen.status < 300 or (status and seen.answer.get("status") not in status):
        said = seen.answer.get("reason") or seen.answer.get("status") or seen.problem
        raise MissingError(f"{scenario}: {label} ended as {seen.status} {said}")
    return seen


def fold(typed: str) -> str:
    """A code without what makes no difference in it."""
    return re.sub(r"[\s-]", "", typed).lower()


def leaks(t: Transcript, known: set[str]) -> Iterator[Outcome]:
    """Whether one of these was written to the log, or is in a URL that the channel asked for."""
    log = t.one("log", "log")
    said = [str(line) for line in log.answer.get("lines") or []]
    found = [line for line in said if any(each in line for each in known)]
    yield holds(not found, f"{len(said)} lines without one", "one is in the log", log)
    urls = [e for e in t.all(direction="received") if any(each in e.request.url for each in known)]
    if urls:
        yield failed("one is in a URL", *urls)


@identity("BUY-001", scenarios=("linking",), title="A buyer is resolved by the reference of her orders")
def same_name(t: Transcript) -> Iterator[Outcome]:
    """The subject is the one that the order named."""
    done(t, "linking", "mail", "pending")
    order = asked(t, "linking", "create_order")
    subject = t.fact("linking", "ada")["subject"]
    resolved = t.all(operation="resolve_buyer", where=lambda e: subject in str(e.asked.get("subject")))
    right = any(e.asked.get("subject") == subject for e in resolved)
    yield holds(right, "the same name", f"not resolved as {subject}, as her order says", *order, *resolved)


@identity(
    "BUY-002",
    scenarios=("without_buyers", "linking"),
    title="A gateway without identity, consent and ownership is not asked for them",
)
def not_asked(t: Transcript) -> Iterator[Outcome]:
    """A buyer buys there, and tries the rest; only the buying reaches the gateway."""
    done(t, "linking", "mail", "pending")
    t.fact("without_buyers", "ada")
    tried = told(t, "without_buyers", "link")
    of = {one.id for one in spec.operations("gateway") if one.tag in BUYERS}
    found = t.all(label=PLAIN, direction="received", where=lambda e: e.operation in of)
    yield holds(not found, "nothing of it was asked", f"{len(found)} requests for it", tried, *found[:3])


@identity(
    "BUY-003", scenarios=("linking", "link_codes"), title="No link is begun that the buyer did not ask for"
)
def only_at_her_wish(t: Transcript) -> Iterator[Outcome]:
    """As many as were asked for, whatever the channel thinks that it knows of her."""
    done(t, "linking", "mail", "pending")
    done(t, "link_codes", "entered", "confirmed")
    for scenario, operation, most in (
        ("linking", "create_link", 1),
        ("link_codes", "create_link", 2),
        ("linking", "redeem_link_code", 0),
        ("link_codes", "redeem_link_code", 2),
    ):
        found = asked(t, scenario, operation)
        count = len(keys(found))
        bad = f"{operation} for {count} links in {scenario}, where {most} were asked for"
        yield holds(count <= most, "as she asked", bad, *found)


@identity("BUY-004", scenarios=("link_codes",), title="The code of a link is sent as the buyer entered it")
def code_as_entered(t: Transcript) -> Iterator[Outcome]:
    """What reached the gateway comes to the same."""
    entered, sent = told(t, "link_codes", "entered"), asked(t, "link_codes", "redeem_link_code")
    if not sent:
        yield unverified("no code was redeemed", entered)
        return
    wished = {fold(t.fact("link_codes", name)) for name in ("entered", "wrong")}
    other = [e for e in sent if fold(str(e.asked.get("code"))) not in wished]
    yield holds(not other, "as entered", "another code was sent", entered, *(other or sent))


@identity("BUY-005", scenarios=("link_codes",), title="The code of a link is shown to its buyer only")
def code_to_its_buyer(t: Transcript) -> Iterator[Outcome]:
    """Each of the two is shown the one that was made for her."""
    for who in ("ada", "ben"):
        seen = done(t, "link_codes", f"{who} shown", "pending")
        mine = t.fact("link_codes", who)["id"]
        made = [e for e in asked(t, "link_codes", "create_link") if mine in e.request.url]
        right = {str(e.answer.get("link_code", {}).get("code")) for e in made}
        if not made:
            yield unverified(f"no code was made for {who}", seen)
            continue
        yield holds(seen.answer.get("code") in right, "her own", "another code was shown", seen, *made)


@identity(
    "BUY-006",
    scenarios=("log", "linking", "link_codes"),
    title="No code of a link is in the log or in a URL",
)
def link_codes_unlogged(t: Transcript) -> Iterator[Outcome]:
    """Codes were mailed, shown and entered."""
    done(t, "linking", "right", "confirmed")
    done(t, "link_codes", "entered", "confirmed")
    names = ("entered", "wrong", "ada code", "ben code")
    known = {str(t.fact("link_codes", name)) for name in names} | set(t.fact("linking", "codes"))
    yield from leaks(t, known)


def _refusal(seen: Exchange, good: str) -> bool:
    """Whether the buyer was not told that it worked."""
    return seen.status >= 400 or seen.answer.get("status") != good


@identity("BUY-007", scenarios=("linking",), title="A mistyped code is told, and nothing shown as linked")
def told_of_wrong_code(t: Transcript) -> Iterator[Outcome]:
    """The wrong one is refused, the right one is not."""
    right, wrong = done(t, "linking", "right", "confirmed"), told(t, "linking", "wrong")
    refused = [e for e in asked(t, "linking", "confirm_link") if e.problem == "link_proof_invalid"]
    yield holds(_refusal(wrong, "confirmed"), "told", "told that they are linked", wrong, right, *refused)


@identity(
    "BUY-007",
    suffix="b",
    scenarios=("link_codes",),
    title="A code that no channel has shown is told, and nothing shown as linked",
)
def told_of_unknown_code(t: Transcript) -> Iterator[Outcome]:
    """The same for a code of another channel's."""
    right, wrong = done(t, "link_codes", "entered", "confirmed"), told(t, "link_codes", "wrong")
    yield holds(_refusal(wrong, "confirmed"), "told", "told that they are linked", wrong, right)


@identity("BUY-008", scenarios=("linking",), title="A link is ended when its buyer asks for it")
def ends_links(t: Transcript) -> Iterator[Outcome]:
    """The gateway was asked to end that very link."""
    done(t, "linking", "right", "confirmed")
    seen, link = told(t, "linking", "unlinked"), t.fact("linking", "link")
    ended = [e for e in asked(t, "linking", "delete_link") if link in e.request.url and e.status == 200]
    yield holds(bool(ended), "ended", "the gateway was not asked to end it", seen, *ended)


@identity("BUY-009", scenarios=("unknown_buyer",), title="Events about unknown buyers are taken")
def takes_unknown(t: Transcript) -> Iterator[Outcome]:
    """2xx for each, as for a good event."""
    twin, after = t.one("unknown_buyer", "good"), shelf(t, "unknown_buyer", "after good")
    if price(after, t.fact("unknown_buyer", "offer")) != 660:
        yield unverified("the good event had no effect", twin, after)
        return
    for label in ("linked", "unlinked", "erased"):
        event = t.one("unknown_buyer", label)
        yield holds(200 <= event.status < 300, "taken", f"{label}: {event.status}", event, twin)


def decisions(seen: Exchange) -> dict[str, str]:
    """What a buyer is shown of each purpose."""
    items = seen.answer.get("items")
    found = [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []
    return {str(one.get("purpose")): str(one.get("decision")) for one in found}


@consent("BUY-010", scenarios=("consents",), title="A consent is sent as the buyer set it")
def sent_as_set(t: Transcript) -> Iterator[Outcome]:
    """Purpose, decision and scope of both."""
    for label, purpose, scope in (
        ("narrow", "personalisation", "this_channel"),
        ("wide", "marketing", "all_channels"),
    ):
        seen, sent = done(t, "consents", label), asked(t, "consents", "set_consent")
        mine = [e for e in sent if e.request.url.endswith(f"/{purpose}")]
        if not mine:
            yield failed(f"the decision about {purpose} was not sent", seen)
        for one in mine:
            # without a scope it is this channel's (ConsentRequest)
            got = one.asked.get("decision"), (one.asked.get("scope") or {"kind": "this_channel"}).get("kind")
            right = got == ("given", scope)
            yield holds(right, "as she set it", f"{purpose} was sent as {got}", one, seen)


@consent("BUY-011", scenarios=("consents",), title="A consent that the gateway refused is not shown as given")
def shown_after_refusal(t: Transcript) -> Iterator[Outcome]:
    """Neither at once nor in the list; what it took is."""
    seen, after = told(t, "consents", "refused"), done(t, "consents", "after the refusal")
    shown = decisions(after)
    if shown.get("personalisation") != "given":
        yield unverified("what the gateway took is not shown as given either", after)
        return
    wrong = seen.status < 300 and seen.answer.get("decision") == "given"
    yield holds(not wrong, "not given", "shown as given though it was refused", seen)
    yield holds(shown.get("attribution") != "given", "not given", "listed as given", after)


@consent(
    "BUY-011", suffix="b", scenarios=("consents",), title="A withdrawal on another channel is shown here"
)
def shown_after_withdrawal(t: Transcript) -> Iterator[Outcome]:
    """Given before the event, withdrawn after it, and the other one still given."""
    before, after = done(t, "consents", "allowed"), done(t, "consents", "after the withdrawal")
    event = t.one("consents", "withdrawn")
    if decisions(before).get("marketing") != "given" or not 200 <= event.status < 300:
        yield unverified("it was not shown as given before, or the event was not taken", before, event)
        return
    found = decisions(after)
    good = found.get("marketing") == "withdrawn" and found.get("personalisation") == "given"
    yield holds(good, "withdrawn", f"shown as {found.get('marketing')}", before, event, after)


@consent("BUY-013", scenarios=("exporting",), title="A buyer gets the export of her data")
def exports(t: Transcript) -> Iterator[Outcome]:
    """What export_buyer answers about her, byte for byte."""
    seen, given = told(t, "exporting", "exported"), t.fact("exporting", "archives")
    sent = asked(t, "exporting", "export_buyer")
    yield holds(bool(given), "asked for", "export_buyer was not asked for hers", seen, *sent)
    right = seen.answer.get("archive") in given
    yield holds(right, "passed on", "she gets something else than the gateway gave", seen, *sent)


@consent("BUY-014", scenarios=("erasing",), title="The gateway erases a buyer's data when she asks for it")
def erases(t: Transcript) -> Iterator[Outcome]:
    """erase_buyer, for her and for nobody else."""
    done(t, "erasing", "ada allowed")
    seen, mine = told(t, "erasing", "erased here"), t.fact("erasing", "ada")["id"]
    sent = asked(t, "erasing", "erase_buyer")
    right = [e for e in sent if mine in e.request.url and 200 <= e.status < 300]
    yield holds(bool(right), "asked to", "the gateway was not asked to erase her", seen, *sent)
    others = [e for e in sent if mine not in e.request.url]
    if others:
        yield failed("another buyer was erased", *others)


@consent(
    "BUY-015", scenarios=("erasing",), title="What is kept of a buyer is dropped when she is erased elsewhere"
)
def drops(t: Transcript) -> Iterator[Outcome]:
    """What she allowed was shown before the event, and is not after it."""
    before, event = done(t, "erasing", "ben before"), t.one("erasing", "erased elsewhere")
    after = told(t, "erasing", "ben after")
    if decisions(before).get("marketing") != "given" or not 200 <= event.status < 300:
        yield unverified("it was not shown before, or the event was not taken", before, event)
        return
    kept = decisions(after).get("marketing") == "given"
    good = passed("dropped", before, event, after)
    yield failed("still shown after she was erased", event, after) if kept else good
