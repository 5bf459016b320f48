"""Judges of passkeys (passkeys.md)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import partial

from conformance.judges.gateway_evidence import (
    dig,
    every,
    good,
    is_problem,
    ok,
    refusal,
    said,
    spoken,
    walk,
)
from conformance.judges.gateway_identity import linked
from conformance.model import MissingError, Outcome, check, holds
from conformance.passkeys import decoded, words
from conformance.scenarios.gateway_passkeys import CEREMONIES
from conformance.sd_jwt import encoded
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway", capability="passkeys")
PAGE = ("begin_passkey", "finish_passkey")
ES256 = -7  # IANA COSE Algorithms
STORIES = ("passkeys", "wrong_passkeys", "tickets")
WRONG = "wrong_passkeys"
SHORTEST = 8  # bytes of a name; what is shorter would be found everywhere


@gateway("PSK-001", title="A proved passkey links", scenarios=("passkeys",))
def by_passkey(t: Transcript) -> Iterator[Outcome]:
    """Made on one channel, used on the other; who has made another one stays alone."""
    for who, wanted in (("a", True), ("b", True), ("c", False)):
        good(t, "passkeys", f"confirm {who}")
        seen, now = linked(t, "passkeys", f"after passkeys {who}")
        yield holds(now is wanted, f"{who}: {wanted}", f"{who}: linked is {now}, not {wanted}", seen)


@gateway("PSK-002", title="The code is shown for a credential that holds only", scenarios=STORIES)
def code_hidden(t: Transcript) -> Iterator[Outcome]:
    """In no other answer and no event; also of links of which a wrong credential was refused before."""
    good(t, WRONG, "right using a")
    shown = t.all(operation="finish_passkey", where=ok)
    codes = {str(one.answer.get("code")) for one in shown if "code" in one.answer}
    if not codes:
        raise MissingError("no code was shown")
    seen = [(e, str(value)) for e, value in spoken(t) if e not in shown]
    found = [(e, f"{e.label} shows the code") for e, text in seen if any(code in text for code in codes)]
    yield from every(found, len(seen), "in no other answer")


@gateway("PSK-003", title="No channel is shown a passkey", scenarios=STORIES)
def unseen(t: Transcript) -> Iterator[Outcome]:
    """Neither id nor key nor user handle, in base64, base64url, hexadecimal or plain, in what channels are sent."""
    good(t, "passkeys", "confirm a")
    good(t, "passkeys", "use b")
    names = {form for name in _names(t) for form in _forms(name)}
    if not names:
        raise MissingError("no passkey was made")
    found, seen = [], 0
    for exchange, value in spoken(t):
        if exchange.operation in PAGE or exchange.operation.startswith("test_"):
            continue
        seen += 1
        texts = [part for _, part in walk(value) if isinstance(part, str)]
        if any(name in text for text in texts for name in names):
            found.append((exchange, f"{exchange.label} shows a passkey's id, key or user handle"))
    yield from every(found, seen, "in no answer to a channel")


def _names(t: Transcript) -> set[bytes]:
    """The ids, keys and user handles of passkeys that were made or asked for in this run."""
    found = {name for e in t.all(operation="finish_passkey") for name in words(e.asked.get("credential"))}
    for e in t.all(operation="begin_passkey", where=ok):
        found.add(decoded(dig(e.answer, "creation", "user", "id")))
    return {name for name in found if len(name) >= SHORTEST}


def _forms(name: bytes) -> Iterator[str]:
    yield from (encoded(name), base64.b64encode(name).decode(), name.hex(), name.hex().upper())
    try:
        plain = name.decode("ascii")
    except ValueError:
        return
    if plain.isprintable():
        yield plain


def _refused(t: Transcript, name: str, *ceremonies: str) -> Iterator[Outcome]:
    """A credential that is wrong in one thing; one without the fault is taken."""
    for what in ceremonies:
        yield from refusal(t, WRONG, f"{name}: wrong {what} a", "link_proof_invalid", f"right {what} a")


@gateway("PSK-004", title="A credential for another challenge is refused", scenarios=(WRONG,))
def challenge(t: Transcript) -> Iterator[Outcome]:
    """For one that another link still waits for."""
    yield from _refused(t, "challenge", *CEREMONIES)


@gateway("PSK-005", title="A credential of another page is refused", scenarios=(WRONG,))
def origin(t: Transcript) -> Iterator[Outcome]:
    """Of a host whose name begins like the gateway's, and of another port of its own."""
    yield from _refused(t, "origin", *CEREMONIES)
    yield from _refused(t, "port", *CEREMONIES)


@gateway("PSK-006", title="A credential of another relying party is refused", scenarios=(WRONG,))
def party(t: Transcript) -> Iterator[Outcome]:
    """In authenticator data, whatever the client data say."""
    yield from _refused(t, "party", *CEREMONIES)


@gateway("PSK-007", title="A user who was not verified is refused", scenarios=(WRONG,))
def verification(t: Transcript) -> Iterator[Outcome]:
    """Present, and no more than that."""
    yield from _refused(t, "verification", *CEREMONIES)


@gateway("PSK-008", title="A signature by another key is refused", scenarios=(WRONG,))
def signature(t: Transcript) -> Iterator[Outcome]:
    """Under the id of a passkey that is known."""
    yield from _refused(t, "signature", "using")


@gateway("PSK-009", title="A passkey that nobody has is refused", scenarios=(WRONG, "passkeys"))
def stranger(t: Transcript) -> Iterator[Outcome]:
    """One that was never made here, and one whose last link is gone; it was good as long as there was another."""
    yield from _refused(t, "stranger", "using")
    for label in ("unlink a", "confirm d", "unlink b", "unlink d"):
        good(t, "passkeys", label)
    yield from refusal(t, "passkeys", "use of what nobody has e", "link_proof_invalid", "use d")


@gateway(
    "PSK-010", title="A ticket is good once, and for an open link", scenarios=("tickets", "tickets_expire")
)
def ticket(t: Transcript) -> Iterator[Outcome]:
    """Used, confirmed, never given, of a link that was ended, and at the instant at which it expires."""
    made, code = good(t, "tickets", "used: make a"), good(t, "tickets", "confirm a")
    twins: dict[str, tuple[str, list[Exchange]]] = {
        "used": ("tickets", [made]),
        "confirmed": ("tickets", [made, code]),
        "never": ("tickets", [made]),
        "ended": ("tickets", [good(t, "tickets", "ended: read a"), good(t, "tickets", "unlink a")]),
        "late": ("tickets_expire", [good(t, "tickets_expire", "late: read a")]),
    }
    for name, (story, twin) in twins.items():
        for what in ("read", "make"):
            seen = t.one(story, f"{name}: {what} again a")
            refused, words_of = is_problem(seen, "link_expired"), f"{name}, {what}"
            yield holds(
                refused, f"{words_of}: refused", f"{words_of}: {said(seen)}, not link_expired", *twin, seen
            )


@gateway("PSK-011", title="Credentials are tried five times", scenarios=(WRONG,))
def many(t: Transcript) -> Iterator[Outcome]:
    """The right one after five wrong ones; its twin comes first."""
    twin = good(t, WRONG, "right using a")
    tries = t.all(WRONG, label="many: wrong using a")
    if not tries or not is_problem(tries[0], "link_proof_invalid"):
        raise MissingError("the first wrong credential was not refused")
    seen = t.one(WRONG, "many: right using after all a")
    bad = f"after five wrong ones: {said(seen)}, not link_expired"
    yield holds(is_problem(seen, "link_expired"), "refused after five", bad, twin, tries[-1], seen)


@gateway("PSK-012", title="A passkey of an id that is taken is refused", scenarios=(WRONG,))
def taken(t: Transcript) -> Iterator[Outcome]:
    """With a key of its own, under the id of one that was made before."""
    yield from _refused(t, "taken", "making")


@gateway("PSK-013", title="ES256 is among what may be made", scenarios=("passkeys",))
def algorithms(t: Transcript) -> Iterator[Outcome]:
    """In all that browsers were asked; a passkey of it was taken."""
    good(t, "passkeys", "confirm a")
    for seen in t.all("passkeys", operation="begin_passkey", where=ok):
        asked = dig(seen.answer, "creation", "pubKeyCredParams")
        named = [dig(one, "alg") for one in asked] if isinstance(asked, list) else []
        yield holds(ES256 in named, "ES256 is named", f"ES256 (-7) is not among {named}", seen)
