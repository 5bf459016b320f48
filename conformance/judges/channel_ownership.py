"""Judges of buyers.md, what a buyer owns: her goods, certificates, transfers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.judges.channel_buyers import done, leaks, told
from conformance.judges.channel_reading import asked
from conformance.model import Outcome, check, failed, holds, unverified
from conformance.transcript import Exchange, Transcript

ownership = partial(check, role="channel", capability="ownership")


def shown(seen: Exchange) -> dict[str, str]:
    """What a buyer is shown as hers: the status by entitlement."""
    items = seen.answer.get("items")
    found = [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []
    return {str(one.get("entitlement_id")): str(one.get("status")) for one in found}


@ownership("BUY-016", scenarios=("goods",), title="All that is hers is shown, from whichever channel it came")
def all_of_it(t: Transcript) -> Iterator[Outcome]:
    """More than a page of it, of this channel and of others."""
    for who in ("ada", "ben"):
        seen, hers = done(t, "goods", f"{who} sees"), set(t.fact("goods", f"{who}'s"))
        missing = hers - shown(seen).keys()
        pages = asked(t, "goods", "list_entitlements")
        yield holds(not missing, "all", f"{len(missing)} of {len(hers)} are not shown", seen, *pages[:3])


@ownership("BUY-016", suffix="b", scenarios=("goods",), title="Nothing is shown as hers that is not")
def nothing_else(t: Transcript) -> Iterator[Outcome]:
    """Two buyers, one after the other."""
    for who in ("ada", "ben"):
        seen, hers = done(t, "goods", f"{who} sees"), set(t.fact("goods", f"{who}'s"))
        found = shown(seen).keys()
        if not hers & found:
            yield unverified(f"nothing of {who}'s is shown", seen)
            continue
        yield holds(found <= hers, "only hers", f"{len(found - hers)} that are not hers", seen)


@ownership("BUY-017", scenarios=("states",), title="An entitlement is shown in the state that it has")
def in_its_state(t: Transcript) -> Iterator[Outcome]:
    """Two were active, and by events one is suspended and one revoked; the third stays as it was."""
    before, after = done(t, "states", "before"), done(t, "states", "after")
    changed, was, now = t.fact("states", "changed"), shown(before), shown(after)
    events = [t.one("states", status) for status in ("suspended", "revoked")]
    if {was.get(one) for one in changed} != {"active"} or "active" not in now.values():
        yield unverified("they were not shown as active before, or nothing is after", before, after)
        return
    for one, status in changed.items():
        words = f"shown as {now.get(one)}, and it is {status}"
        yield holds(now.get(one) == status, status, words, before, *events, after)


@ownership("BUY-018", scenarios=("certificates",), title="A certificate is handed on byte for byte")
def byte_for_byte(t: Transcript) -> Iterator[Outcome]:
    """What the buyer gets is what the gateway issued."""
    seen = done(t, "certificates", "certificate")
    issued = asked(t, "certificates", "issue_certificate")
    if not issued:
        yield unverified("the gateway issued none", seen)
        return
    same = seen.answer.get("certificate") in [e.answer.get("certificate") for e in issued]
    yield holds(same, "the same", "not what the gateway issued", seen, *issued)


@ownership(
    "BUY-019", scenarios=("certificates",), title="No certificate is asked for of what is not the buyer's"
)
def no_certificate_for_others(t: Transcript) -> Iterator[Outcome]:
    """Her own is, the same of another buyer's is not."""
    twin, seen = done(t, "certificates", "certificate"), told(t, "certificates", "not hers")
    asked_for = [e for e in asked(t, "certificates", "issue_certificate") if e.number > seen.number]
    given = "certificate" in seen.answer
    words = "another buyer got it" if given else "it was asked for"
    yield holds(not given and not asked_for, "refused", words, seen, twin, *asked_for)


@ownership(
    "BUY-019", suffix="b", scenarios=("transfers",), title="No transfer is begun of what is not the buyer's"
)
def no_transfer_for_others(t: Transcript) -> Iterator[Outcome]:
    """Her own can be offered, another buyer's cannot."""
    twin, seen = done(t, "transfers", "ada offers", "offered"), told(t, "transfers", "not hers")
    asked_for = [
        e for e in asked(t, "transfers", "create_transfer") if seen.started <= e.started <= seen.ended
    ]
    offered = seen.status < 300 and seen.answer.get("status") == "offered"
    yield holds(not offered and not asked_for, "refused", "it was offered", seen, twin, *asked_for)


@ownership("BUY-020", scenarios=("transfers",), title="The code of a transfer is shown to who offers it only")
def code_to_owner(t: Transcript) -> Iterator[Outcome]:
    """Each of two is shown the one that was made for her."""
    for label in ("ada offers", "ben offers"):
        seen = done(t, "transfers", label, "offered")
        wanted = seen.asked.get("entitlement_id")
        made = [e for e in asked(t, "transfers", "create_transfer") if str(wanted) in e.request.url]
        if not made:
            yield unverified("no transfer was made", seen)
            continue
        right = seen.answer.get("code") in [e.answer.get("code") for e in made]
        yield holds(right, "her own", "another code was shown", seen, *made)


@ownership(
    "BUY-021",
    scenarios=("transfers",),
    title="A transfer is accepted for who enters its code, with that code",
)
def accepted_for_her(t: Transcript) -> Iterator[Outcome]:
    """Her id, and the code without the spaces around it."""
    seen, entered = told(t, "transfers", "accepted"), t.fact("transfers", "entered")
    # by the code, as the buyer whom it names may be one of another story
    sent = t.all(operation="accept_transfer", where=lambda e: entered in str(e.asked.get("code")))
    sent = sent or asked(t, "transfers", "accept_transfer")
    if not sent:
        yield unverified("no transfer was accepted", seen)
        return
    first, mine = sent[0], t.fact("transfers", "eve")["id"]
    yield holds(first.asked.get("buyer_id") == mine, "for her", "for another buyer", seen, first)
    typed = str(first.asked.get("code")).strip()
    yield holds(typed == entered, "as entered", "another code was sent", seen, first)


@ownership(
    "BUY-022", scenarios=("transfers",), title="A wrong code is told, and nothing shown as transferred"
)
def told_of_wrong_code(t: Transcript) -> Iterator[Outcome]:
    """The right one is accepted, the wrong one refused."""
    right, wrong = done(t, "transfers", "accepted", "accepted"), told(t, "transfers", "wrong")
    good = wrong.status >= 400 or wrong.answer.get("status") != "accepted"
    yield holds(good, "told", "told that it is hers", wrong, right)


@ownership(
    "BUY-023",
    scenarios=("log", "transfers", "certificates"),
    title="No code of a transfer and no certificate is in the log or in a URL",
)
def unlogged(t: Transcript) -> Iterator[Outcome]:
    """Codes were shown and entered, and a certificate was handed on."""
    done(t, "transfers", "accepted", "accepted")
    given = done(t, "certificates", "certificate").answer.get("certificate")
    known = {*t.fact("transfers", "codes"), t.fact("transfers", "entered"), t.fact("transfers", "wrong")}
    if not given:
        yield failed("there was no certificate", t.one("certificates", "certificate"))
    yield from leaks(t, known | ({str(given).partition("~")[0]} if given else set()))
