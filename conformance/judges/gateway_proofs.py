"""Judges of proofs: what links accounts, and what must not (identity.md)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.judges.gateway_evidence import (
    dig,
    every,
    good,
    is_problem,
    moment,
    ok,
    refusal,
    said,
    spoken,
)
from conformance.judges.gateway_identity import linked
from conformance.model import MissingError, Outcome, check, holds
from conformance.timing import LINK_LIFE
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway", capability="identity")
MOVING = {"id", "created_at", "expires_at"}


@gateway("IDN-010", title="A proved address links", scenarios=("email_links",))
def by_email(t: Transcript) -> Iterator[Outcome]:
    """On two channels, and by a third account in capitals."""
    for label in ("right code a", "second proof b", "third proof c"):
        good(t, "email_links", label)
    for who in "abc":
        seen, now = linked(t, "email_links", f"linked {who}")
        yield holds(now, f"{who} is linked", f"{who} is not linked", seen)


@gateway("IDN-011", title="A subject of an issuer links", scenarios=("id_tokens",))
def by_token(t: Transcript) -> Iterator[Outcome]:
    """The same one on two channels; another one stays alone."""
    for who, wanted in (("a", True), ("b", True), ("c", False)):
        good(t, "id_tokens", f"token {who}")
        seen, now = linked(t, "id_tokens", f"after tokens {who}")
        yield holds(now is wanted, f"{who}: {wanted}", f"{who}: linked is {now}, not {wanted}", seen)


@gateway("IDN-012", title="A link code links", scenarios=("link_codes",))
def by_code(t: Transcript) -> Iterator[Outcome]:
    """Shown on one channel, entered on the other."""
    good(t, "link_codes", "redeem b")
    for who in "ab":
        seen, now = linked(t, "link_codes", f"after redeeming {who}")
        yield holds(now, f"{who} is linked", f"{who} is not linked", seen)


@gateway("IDN-013", title="What is not proved joins nothing", scenarios=("email_links",))
def pending(t: Transcript) -> Iterator[Outcome]:
    """A link begun by the address that another account has proved."""
    good(t, "email_links", "right code a")
    good(t, "email_links", "begin known d")
    for who in "ad":
        seen, now = linked(t, "email_links", f"while pending {who}")
        yield holds(not now, f"{who} is alone", f"{who} is linked before any proof", seen)


@gateway(
    "IDN-014", title="Every link is to be proved within an hour", scenarios=("email_links", "link_codes")
)
def ends(t: Transcript) -> Iterator[Outcome]:
    """Each that was begun."""
    for seen in t.all(operation="create_link", where=ok):
        made, end = moment(seen.answer.get("created_at")), moment(seen.answer.get("expires_at"))
        fits = made is not None and end is not None and made < end <= made + LINK_LIFE.seconds
        words = f"from {seen.answer.get('created_at')} to {seen.answer.get('expires_at')}"
        yield holds(fits, "within an hour", f"a link {words}", seen)


@gateway("IDN-015", title="A late proof is refused", scenarios=("links_expire", "email_links", "link_codes"))
def late(t: Transcript) -> Iterator[Outcome]:
    """A mailed code and a shown one, when their time is over."""
    for label, story, twin in (("late code a", "email_links", "right code a"),
                               ("late link code b", "link_codes", "redeem b")):  # fmt: skip
        accepted, seen = good(t, story, twin), t.one("links_expire", label)
        refused = is_problem(seen, "link_expired")
        yield holds(refused, f"{label}: refused", f"{label}: {said(seen)}, not link_expired", accepted, seen)


@gateway("IDN-016", title="A proof is good once", scenarios=("email_links", "link_codes"))
def once(t: Transcript) -> Iterator[Outcome]:
    """The same code again, and a link code by a third account."""
    yield from refusal(t, "email_links", "code again a", "link_expired", "right code a")
    yield from refusal(t, "link_codes", "redeem again c", "link_expired", "redeem b")


@gateway("IDN-017", title="A wrong proof is refused", scenarios=("email_links", "link_codes"))
def wrong(t: Transcript) -> Iterator[Outcome]:
    """A code that was never mailed, and one that was never shown."""
    yield from refusal(t, "email_links", "wrong code a", "link_proof_invalid", "own proof d")
    yield from refusal(t, "link_codes", "wrong link code b", "link_proof_invalid", "redeem b")


@gateway("IDN-018", title="A code cannot be guessed at", scenarios=("guessing", "email_links"))
def guessed(t: Transcript) -> Iterator[Outcome]:
    """The right code after five wrong ones; its twin comes after one."""
    twin = good(t, "email_links", "right code a")
    tries = t.all("guessing", label="wrong code a")
    if not tries or not is_problem(tries[0], "link_proof_invalid"):
        raise MissingError("the first wrong code was not refused")
    seen = t.one("guessing", "right code after all a")
    refused = is_problem(seen, "link_expired")
    yield holds(
        refused, "refused after five", f"after five wrong ones: {said(seen)}", twin, *tries[-1:], seen
    )


@gateway("IDN-019", title="An account begins so many links", scenarios=("guessing",))
def links_limited(t: Transcript) -> Iterator[Outcome]:
    """One more than twenty."""
    yield from _limited(t, "many links")


@gateway("IDN-020", title="An address is mailed so many codes", scenarios=("guessing",))
def mails_limited(t: Transcript) -> Iterator[Outcome]:
    """One more than ten, by two accounts."""
    yield from _limited(t, "many mails")


@gateway("IDN-021", title="An account enters so many wrong link codes", scenarios=("guessing",))
def codes_limited(t: Transcript) -> Iterator[Outcome]:
    """One more than twenty."""
    seen = _all(t, "many codes")
    if not is_problem(seen[0], "link_proof_invalid", "link_limit_reached"):
        raise MissingError(f"the first wrong link code: {said(seen[0])}")
    yield _last_refused(seen)


def _limited(t: Transcript, label: str) -> Iterator[Outcome]:
    seen = _all(t, label)
    if not ok(seen[0]):
        raise MissingError(f"the first of {label}: {said(seen[0])}")
    yield _last_refused(seen)


def _all(t: Transcript, label: str) -> list[Exchange]:
    found = [e for who in "abcd" for e in t.all("guessing", label=f"{label} {who}")]
    if not found:
        raise MissingError(f"no {label}")
    return sorted(found, key=lambda e: e.number)


def _last_refused(seen: list[Exchange]) -> Outcome:
    last = seen[-1]
    waits = last.header("retry-after") is not None
    right = is_problem(last, "link_limit_reached") and waits
    return holds(right, f"refused after {len(seen) - 1}", f"the {len(seen)}th: {said(last)}", seen[0], last)


@gateway("IDN-022", title="Known and unknown addresses are answered alike", scenarios=("email_links",))
def alike(t: Transcript) -> Iterator[Outcome]:
    """But for id and times, the same answer."""
    good(t, "email_links", "right code a")
    known, unknown = good(t, "email_links", "begin unknown d"), t.one("email_links", "begin known d")
    bodies = [{k: v for k, v in one.answer.items() if k not in MOVING} for one in (known, unknown)]
    same = known.status == unknown.status and bodies[0] == bodies[1]
    yield holds(same, "the same answer", f"{said(unknown)} and {said(known)}: {bodies}", known, unknown)


@gateway("IDN-023", title="The code is in the mail only", scenarios=("email_links", "links_undone"))
def mailed_only(t: Transcript) -> Iterator[Outcome]:
    """In no answer and no event."""
    codes = set()
    for mail in t.all(operation="test_read_mail", where=ok):
        found = mail.answer.get("mails")
        codes |= {dig(one, "code") for one in found} if isinstance(found, list) else set()
    words = {one for one in codes if isinstance(one, str) and one.startswith("redacted-")}
    if not words:
        raise MissingError("no code was mailed")
    seen = [(e, str(value)) for e, value in spoken(t) if e.operation != "test_read_mail"]
    found = [(e, f"{e.label} shows the code") for e, text in seen if any(word in text for word in words)]
    yield from every(found, len(seen), "in no answer")


@gateway("IDN-024", title="Other kinds and issuers are refused", scenarios=("email_links", "id_tokens"))
def kinds(t: Transcript) -> Iterator[Outcome]:
    """A kind that there is not, an issuer that nobody trusts."""
    yield from refusal(t, "email_links", "unknown kind a", "link_kind_not_supported", "known kind a")
    twin, seen = good(t, "id_tokens", "begin a"), t.one("email_links", "unknown issuer a")
    refused = is_problem(seen, "link_kind_not_supported")
    yield holds(refused, "unknown issuer: refused", f"unknown issuer: {said(seen)}", twin, seen)


def _token(t: Transcript, name: str) -> Iterator[Outcome]:
    """A token that is wrong in one thing; the same without the fault is taken."""
    yield from refusal(t, "id_tokens", f"{name}: wrong a", "link_proof_invalid", "token a")


@gateway("IDN-030", title="An id token of another issuer is refused", scenarios=("id_tokens",))
def token_issuer(t: Transcript) -> Iterator[Outcome]:
    """`iss`, by the right key."""
    yield from _token(t, "issuer")


@gateway("IDN-031", title="An id token for somebody else is refused", scenarios=("id_tokens",))
def token_audience(t: Transcript) -> Iterator[Outcome]:
    """`aud`."""
    yield from _token(t, "audience")


@gateway("IDN-032", title="An expired id token is refused", scenarios=("id_tokens",))
def token_expired(t: Transcript) -> Iterator[Outcome]:
    """`exp`, years ago."""
    yield from _token(t, "expiry")


@gateway("IDN-033", title="An id token made for something else is refused", scenarios=("id_tokens",))
def token_nonce(t: Transcript) -> Iterator[Outcome]:
    """`nonce`."""
    yield from _token(t, "nonce")


@gateway("IDN-034", title="A forged id token is refused", scenarios=("id_tokens",))
def token_signature(t: Transcript) -> Iterator[Outcome]:
    """By another key under the name of the right one."""
    yield from _token(t, "signature")
