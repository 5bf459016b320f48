"""Judges of certificates (ownership.md): verified with the suite's own SD-JWT and status lists."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import spec
from conformance import sd_jwt
from conformance.judges.gateway_evidence import dig, good, ok, refusal, said
from conformance.model import MissingError, Outcome, check, failed, holds
from conformance.sd_jwt import Shown
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway", capability="ownership")
STORY, BINDING = "certifying", "binding"
STORIES = (STORY,)
DISCLOSED = {"entitlement_id", "product_id", "product_name", "product_kind", "acquired_at", "channel", "price",
             "order_id"}  # fmt: skip
SALT = 16  # bytes


def certificate(t: Transcript, story: str, label: str) -> tuple[Exchange, Shown]:
    """A certificate that was issued; raises MissingError when there is none that can be read."""
    seen = good(t, story, label)
    try:
        return seen, sd_jwt.parsed(str(seen.answer.get("certificate")))
    except sd_jwt.UnreadableError as error:
        raise MissingError(f"{label}: {error}") from error


def keys(t: Transcript, story: str) -> Any:
    """The published keys, as the story read them."""
    return good(t, story, "keys").answer


def listed(t: Transcript, story: str, label: str, shown: Shown) -> tuple[Exchange, int]:
    """The status of a certificate in a list that was read; raises MissingError when that cannot be verified."""
    seen = good(t, story, label)
    text = seen.response.body.decode("utf-8", "replace") if seen.response else ""
    try:
        claims = sd_jwt.signed(text, keys(t, story), sd_jwt.LIST)
        place = dig(shown.payload, "status", "status_list", "idx")
        return seen, sd_jwt.status_at(claims, place if isinstance(place, int) else -1)
    except sd_jwt.UnreadableError as error:
        raise MissingError(f"{label}: {error}") from error


@gateway("OWN-014", title="A certificate is a signed SD-JWT VC", scenarios=STORIES)
def signed(t: Transcript) -> Iterator[Outcome]:
    """By a published key, of the type, and with the claims that the standard says."""
    seen, shown = certificate(t, STORY, "certificate")
    try:
        claims = sd_jwt.signed(shown.jwt, keys(t, STORY), sd_jwt.FORMAT)
        claims = sd_jwt.claims_of(shown)
    except sd_jwt.UnreadableError as error:
        yield failed(f"it does not verify: {error}", seen)
        return
    errors = [f"{where} {text}" for where, text in spec.validator("CertificateClaims").errors(claims)]
    yield holds(not errors, "CertificateClaims", f"its claims: {errors[:2]}", seen)
    told = (shown.header.get("alg"), claims.get("vct"))
    right = told[0] in ("EdDSA", "Ed25519") and told[1] == sd_jwt.TYPE
    yield holds(right, "EdDSA, and the vct", f"it has {told}", seen)


@gateway("OWN-015", title="Each claim can be left out", scenarios=STORIES)
def hidden(t: Transcript) -> Iterator[Outcome]:
    """All are disclosures, none stands in the clear, and salts are long and new each time."""
    (seen, shown), (again, second) = (certificate(t, STORY, x) for x in ("certificate", "certificate again"))
    names = {one.name for one in shown.disclosures}
    clear = sorted(DISCLOSED & shown.payload.keys())
    bad = f"not disclosed by themselves: {sorted(DISCLOSED - names)}, in the clear: {clear}"
    yield holds(names >= DISCLOSED and not clear, "each is a disclosure", bad, seen)
    salts = [one.salt for one in (*shown.disclosures, *second.disclosures)]
    short = [salt for salt in salts if len(salt) * 6 < SALT * 8]
    words = f"{len(salts)} salts, {len({*salts})} different, {len(short)} too short"
    yield holds(len({*salts}) == len(salts) and not short, words, words, seen, again)


@gateway("OWN-016", title="A certificate names no buyer and no goods", scenarios=STORIES)
def nameless(t: Transcript) -> Iterator[Outcome]:
    """Neither her id nor her reference nor the codes, disclosed or not."""
    seen, shown = certificate(t, STORY, "certificate")
    owner = str(good(t, STORY, "entitlement").answer.get("buyer_id"))
    names = [owner, *(str(one) for one in t.fact(STORY, "names"))]
    text = json.dumps([shown.payload, *((one.name, one.value) for one in shown.disclosures)])
    leaks = [name for name in names if name and name in text]
    yield holds(not leaks, "it names neither", f"it says {leaks}", seen)


@gateway("OWN-017", title="Certificates have as many digests each", scenarios=(STORY, "handing_on"))
def padded(t: Transcript) -> Iterator[Outcome]:
    """Of a first owner, with price and order, and of a later one, without."""
    (seen, shown), (later, second) = (
        certificate(t, "handing_on", x) for x in ("old certificate", "new certificate")
    )
    counts = [len(dig(one.payload, "_sd") or []) for one in (shown, second)]
    fewer = len(second.disclosures) < len(shown.disclosures)
    if not fewer:
        raise MissingError("the later owner's certificate has no less to disclose")
    words = f"{counts[0]} and {counts[1]} digests"
    yield holds(counts[0] == counts[1] > 0, words, words, seen, later)


@gateway("OWN-018", title="A certificate is bound to a holder's key", scenarios=(BINDING,))
def bound(t: Transcript) -> Iterator[Outcome]:
    """The public members in `cnf`, and no key that is not one."""
    seen, shown = certificate(t, BINDING, "bound certificate")
    found, wanted = dig(shown.payload, "cnf", "jwk"), t.fact(BINDING, "key")
    yield holds(found == wanted, "cnf has the key", f"cnf has {found}", seen)
    for name in ("RSA", "X25519", "private"):
        yield from refusal(t, BINDING, f"{name} key", "holder_key_invalid", "bound certificate")


@gateway("OWN-019", title="Only what is active is certified", scenarios=STORIES)
def of_active(t: Transcript) -> Iterator[Outcome]:
    """Refused when it is used up."""
    good(t, STORY, "consume")
    yield from refusal(t, STORY, "certificate of consumed", "entitlement_not_active", "certificate")


@gateway("OWN-020", title="The status list is a signed token", scenarios=STORIES)
def list_signed(t: Transcript) -> Iterator[Outcome]:
    """By a published key, for its own address, two bits an entry, and not for ever."""
    _, shown = certificate(t, STORY, "certificate")
    seen = good(t, STORY, "list")
    text = seen.response.body.decode("utf-8", "replace") if seen.response else ""
    try:
        claims = sd_jwt.signed(text, keys(t, STORY), sd_jwt.LIST)
    except sd_jwt.UnreadableError as error:
        yield failed(f"it does not verify: {error}", seen)
        return
    errors = [f"{where} {words}" for where, words in spec.validator("StatusListClaims").errors(claims)]
    yield holds(not errors, "StatusListClaims", f"its claims: {errors[:2]}", seen)
    uri = dig(shown.payload, "status", "status_list", "uri")
    bad = f"its sub is {claims.get('sub')}, the certificate says {uri}"
    yield holds(claims.get("sub") == uri, "it is of its address", bad, seen)


@gateway("OWN-021", title="The list says what has become of it", scenarios=(STORY, "after_owning"))
def up_to_date(t: Transcript) -> Iterator[Outcome]:
    """Valid before; invalid when it is refunded or used up, suspended while it is disputed."""
    wanted = (
        ("after_owning", "certificate to refund", "list before", 0),
        ("after_owning", "certificate to refund", "list after refund", 1),
        ("after_owning", "certificate to dispute", "list after dispute", 2),
        ("after_owning", "certificate to dispute", "list after dismissal", 0),
        (STORY, "certificate", "list after", 1),
    )
    for story, label, read, status in wanted:
        _, shown = certificate(t, story, label)
        seen, found = listed(t, story, read, shown)
        yield holds(found == status, f"{read}: {status}", f"{read}: {found}, not {status}", seen)


@gateway("OWN-022", title="A place in the list is one owner's", scenarios=(STORY, "handing_on"))
def one_place(t: Transcript) -> Iterator[Outcome]:
    """Of two units, and of two owners of one."""
    for story, one, two in (
        (STORY, "certificate", "certificate of another"),
        ("handing_on", "old certificate", "new certificate"),
    ):
        (seen, first), (other, second) = certificate(t, story, one), certificate(t, story, two)
        places = [dig(x.payload, "status", "status_list") for x in (first, second)]
        yield holds(places[0] != places[1], "two places", f"both are at {places[0]}", seen, other)


@gateway("OWN-023", title="A key is known as long as its certificates", scenarios=("keys_renewed",))
def key_kept(t: Transcript) -> Iterator[Outcome]:
    """The old key of two, soon after the new one has taken over and a minute before its certificate ends."""
    story = "keys_renewed"
    (_, old), (_, new) = (certificate(t, story, f"certificate by the {x} key") for x in ("old", "new"))
    if old.header.get("kid") == new.header.get("kid"):
        raise MissingError("the gateway signs with no new key")
    for label in ("keys soon", "keys late"):
        seen = good(t, story, label)
        kept = any(dig(one, "kid") == old.header.get("kid") for one in seen.answer.get("keys") or [])
        yield holds(kept, f"{label}: published", f"{label}: the old key is not published", seen)


@gateway("OWN-024", title="The gateway knows its certificates", scenarios=(STORY, "after_owning"))
def verified(t: Transcript) -> Iterator[Outcome]:
    """In whole and in part; not tampered with, used up, or refunded."""
    for story, label, wanted in (
        (STORY, "verify", True),
        (STORY, "verify part", True),
        (STORY, "verify tampered", False),
        (STORY, "verify consumed", False),
        ("after_owning", "verify refunded", False),
    ):
        yield _verdict(t, story, label, wanted)


@gateway("OWN-025", title="A holder has to prove her key", scenarios=(BINDING,))
def proven(t: Transcript) -> Iterator[Outcome]:
    """With her proof it holds; with another's, for another asking, or without, it does not."""
    yield _verdict(t, BINDING, "verify bound", True)
    for label in ("verify stranger", "verify other nonce", "verify unbound"):
        yield _verdict(t, BINDING, label, False)


@gateway("OWN-033", title="The old certificate dies with the transfer", scenarios=("handing_on",))
def old_dies(t: Transcript) -> Iterator[Outcome]:
    """Invalid right after it was accepted, while the new owner's is valid."""
    good(t, "handing_on", "accept")
    _, old = certificate(t, "handing_on", "old certificate")
    seen, status = listed(t, "handing_on", "list after", old)
    yield holds(status == 1, "the old one is invalid", f"the old one is {status}", seen)
    _, new = certificate(t, "handing_on", "new certificate")
    seen, status = listed(t, "handing_on", "list of the new", new)
    yield holds(status == 0, "the new one is valid", f"the new one is {status}", seen)


def _verdict(t: Transcript, story: str, label: str, wanted: bool) -> Outcome:
    seen = t.one(story, label)
    if not ok(seen):
        raise MissingError(f"{label} was answered by {said(seen)}")
    found = seen.answer.get("valid")
    return holds(found is wanted, f"{label}: {wanted}", f"{label}: {found}, not {wanted}", seen)
