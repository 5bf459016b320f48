"""Judges of delivery.md, sealed delivery: what is sealed, to whom, and which keys are refused."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from conformance import jwe
from conformance.driver.shop import opened
from conformance.judges.gateway_evidence import dig, good, is_problem, items, moved, ok, said
from conformance.model import MissingError, Outcome, check, failed, holds, unverified
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway", capability="sealed_delivery")
MEMBERS = {"code": ("code", "value"), "licence": ("licence", "key"), "download": ("download", "url")}
SOLD = ("sealed", "wrapped", "licence", "download")


def _sealed(t: Transcript, scenario: str, label: str) -> list[tuple[Exchange, str]]:
    """The answers of this label and their JWE; raises MissingError when there is none."""
    found = [(e, dig(e.answer, "goods", "sealed", "jwe")) for e in t.all(scenario, label=label, where=ok)]
    kept = [(e, compact) for e, compact in found if isinstance(compact, str)]
    if not kept:
        raise MissingError(f"{label} in {scenario} brought nothing sealed")
    return kept


def _headers(t: Transcript) -> Iterator[tuple[Exchange, dict[str, Any]]]:
    """Every answer of the sale with its JWE's header; an empty one where it cannot be read."""
    for label in SOLD:
        for seen, compact in _sealed(t, "sealed_sale", f"{label} reveal"):
            try:
                yield seen, jwe.header_of(compact)
            except jwe.JweError:
                yield seen, {}


def _in_the_clear(seen: Exchange) -> bool:
    goods = dig(seen.answer, "goods")
    return bool(opened(seen.answer)) or dig(goods, "download") is not None


def _only_sealed(seen: Exchange) -> Outcome:
    there = isinstance(dig(seen.answer, "goods", "sealed", "jwe"), str)
    words = "goods in the clear" if _in_the_clear(seen) else "no goods.sealed.jwe"
    right = ok(seen) and there and not _in_the_clear(seen)
    return holds(right, "sealed, and nothing beside it", f"{seen.label}: {words} ({said(seen)})", seen)


@gateway("DLV-020", title="Goods for a key come sealed only", scenarios=("sealed_sale",))
def only_sealed(t: Transcript) -> Iterator[Outcome]:
    """Codes, a licence and a download; and an order without a key is answered in the clear."""
    twin = good(t, "sealed_sale", "open reveal")
    if not _in_the_clear(twin):
        yield unverified("an order without a key brought no goods", twin)
    for label in SOLD:
        for seen in (
            good(t, "sealed_sale", f"{label} reveal"),
            *t.all("sealed_sale", label=f"{label} reveal again"),
        ):
            yield _only_sealed(seen)


@gateway("DLV-021", title="Compact JWE, by the algorithms named", scenarios=("sealed_sale",))
def algorithms(t: Transcript) -> Iterator[Outcome]:
    """Five parts; enc A256GCM; alg as the key says, ECDH-ES where it says nothing."""
    for label in SOLD:
        wanted = jwe.WRAPPED if label == "wrapped" else jwe.DIRECT
        for seen, compact in _sealed(t, "sealed_sale", f"{label} reveal"):
            try:
                header = jwe.header_of(compact)
            except jwe.JweError as reason:
                yield failed(f"{label}: {reason}", seen)
                continue
            parts = len(compact.split("."))
            found = (parts, header.get("alg"), header.get("enc"))
            right = found == (5, wanted, jwe.CONTENT)
            yield holds(
                right, f"{label}: {wanted}, {jwe.CONTENT}", f"{label}: parts, alg, enc are {found}", seen
            )


@gateway("DLV-022", title="The buyer's key opens the goods", scenarios=("sealed_sale",))
def opens(t: Transcript) -> Iterator[Outcome]:
    """The very codes that were put in stock; a licence; a link. Which cipher it is, DLV-021 judges."""
    codes = t.fact("sealed_sale", "codes")
    seen_codes: list[str] = []
    for label in SOLD:
        for seen, _ in _sealed(t, "sealed_sale", f"{label} reveal"):
            kind, found = str(dig(seen.answer, "goods", "kind")), seen.observed["sealed"]
            if not found["opened"]:
                yield failed(f"{label}: {found['error']}", seen)
                continue
            goods = found["goods"]
            value = dig(goods, *MEMBERS.get(kind, ("", "")))
            right = isinstance(value, str) and value != "" and dig(goods, "kind") == kind
            yield holds(right, f"{label}: opens", f"{label}: no Goods of a {kind} inside", seen)
            if kind == "code":
                seen_codes.append(str(value))
    strange = len([code for code in seen_codes if code not in codes])
    yield holds(
        not strange, "the codes in stock", f"{strange} of {len(seen_codes)} codes were never in stock"
    )


@gateway("DLV-023", title="kid is the key's thumbprint", scenarios=("sealed_sale",))
def kid(t: Transcript) -> Iterator[Outcome]:
    """By RFC 7638, SHA-256."""
    wanted = jwe.thumbprint(t.fact("sealed_sale", "key"))
    for seen, header in _headers(t):
        found = header.get("kid")
        yield holds(found == wanted, "the thumbprint", f"kid is {found}, not {wanted}", seen)


@gateway("DLV-024", title="The header names order and delivery", scenarios=("sealed_sale",))
def named(t: Transcript) -> Iterator[Outcome]:
    """Where they are authenticated, so that one delivery cannot be passed off as another."""
    for seen, header in _headers(t):
        wanted = (dig(seen.answer, "delivery", "order_id"), dig(seen.answer, "delivery", "id"))
        found = (header.get("vgcp_order_id"), header.get("vgcp_delivery_id"))
        yield holds(found == wanted, "both are named", f"the header names {found}, not {wanted}", seen)


def _refused(t: Transcript, label: str, *members: str) -> Outcome:
    """Refused as a key, with a pointer to one of these members; the right keys were taken."""
    for twin in ("right key", "right key, described"):
        good(t, "refused_keys", twin)
    seen = t.one("refused_keys", label)
    found = seen.answer.get("errors")
    pointers = [dig(one, "pointer") for one in found] if isinstance(found, list) else []
    named = any(f"/recipient_key/{member}" in pointers for member in members)
    right = is_problem(seen, "recipient_key_invalid") and named
    return holds(right, f"{label}: refused", f"{label}: {said(seen)}, pointers {pointers}", seen)


@gateway("DLV-025", title="Private and symmetric keys are refused", scenarios=("refused_keys",))
def private(t: Transcript) -> Iterator[Outcome]:
    """An EC key with `d`, and `oct`; nothing is sold for either."""
    yield _refused(t, "private", "d")
    yield _refused(t, "symmetric", "k")
    refused = [e for e in t.all("refused_keys", operation="create_order") if not ok(e)]
    if len(refused) == 10:
        yield moved(t, "refused_keys", "stock before", "stock after")


@gateway("DLV-026", title="Only points of P-256 are taken", scenarios=("refused_keys",))
def points(t: Transcript) -> Iterator[Outcome]:
    """Another curve, RSA of 16,384 bits, off the curve, too short, none at all."""
    yield _refused(t, "another curve", "crv", "x", "y")
    yield _refused(t, "another kind", "kty")
    yield _refused(t, "off the curve", "x", "y")
    yield _refused(t, "cut short", "x")
    yield _refused(t, "without a point", "x", "y")


@gateway("DLV-027", title="Keys for something else are refused", scenarios=("refused_keys",))
def uses(t: Transcript) -> Iterator[Outcome]:
    """By alg, use or key_ops."""
    yield _refused(t, "another alg", "alg")
    yield _refused(t, "for signatures", "use")
    yield _refused(t, "to sign", "key_ops")


@check(
    "DLV-028",
    role="gateway",
    capability="orders",
    title="Who asks for sealed goods never gets them in the clear",
    scenarios=("sealed_or_refused",),
)
def sealed_or_refused(t: Transcript) -> Iterator[Outcome]:
    """Declared: sold for the key. Not declared: refused, and nothing sold."""
    good(t, "sealed_or_refused", "without a key")
    seen = t.one("sealed_or_refused", "for a key")
    if t.fact("sealed_or_refused", "declared"):
        taken = ok(seen) and dig(seen.answer, "recipient_key", "x") == dig(seen.asked, "recipient_key", "x")
        yield holds(taken, "declared, and sold for the key", f"declared, and answered by {said(seen)}", seen)
        return
    right = is_problem(seen, "sealing_not_supported")
    yield holds(right, "refused", f"sealed_delivery is not declared; answered by {said(seen)}", seen)
    if right:
        yield moved(t, "sealed_or_refused", "stock before", "stock after")


@gateway("DLV-029", title="A replacement is sealed", scenarios=("sealed_sale",))
def replacement(t: Transcript) -> Iterator[Outcome]:
    """To the same key."""
    good(t, "sealed_sale", "replace")
    seen = good(t, "sealed_sale", "replacement reveal")
    yield _only_sealed(seen)
    yield from _to_the_key(t, "sealed_sale", "replacement reveal")


@gateway("DLV-030", title="What is paid later is sealed", scenarios=("sealed_later",))
def later(t: Transcript) -> Iterator[Outcome]:
    """To the key that the order came with."""
    good(t, "sealed_later", "paid")
    seen = good(t, "sealed_later", "reveal when paid")
    yield _only_sealed(seen)
    yield from _to_the_key(t, "sealed_later", "reveal when paid")


def _to_the_key(t: Transcript, scenario: str, label: str) -> Iterator[Outcome]:
    """Whether the scenario's key opens it, if it came with the sale's own; what else may be wrong is judged there."""
    if not [
        e for e in t.all(scenario, label=label) if isinstance(dig(e.answer, "goods", "sealed", "jwe"), str)
    ]:
        return
    for seen, _ in _sealed(t, scenario, label):
        found = seen.observed["sealed"]
        words = f"{label}: {found.get('error')}"
        yield holds(found["opened"], "the order's key opens it", words, seen)


@gateway("DLV-031", title="The order and its deliveries show the key", scenarios=("sealed_sale",))
def shown(t: Transcript) -> Iterator[Outcome]:
    """Its point in the order, its thumbprint in `sealed_to`; neither for an order without one."""
    key = t.fact("sealed_sale", "key")
    wanted = jwe.thumbprint(key)
    for label in ("sealed order", "sealed order again"):
        seen = good(t, "sealed_sale", label)
        found = [dig(seen.answer, "recipient_key", name) for name in ("x", "y")]
        yield holds(found == [key["x"], key["y"]], f"{label}: the key", f"{label}: another key or none", seen)
    for label in (f"{one} deliveries" for one in SOLD):
        page = good(t, "sealed_sale", label)
        marks = [one.get("sealed_to") for one in items(page)]
        right = bool(marks) and set(marks) == {wanted}
        yield holds(right, f"{label}: sealed_to", f"{label}: sealed_to is {marks}", page)
    bare = good(t, "sealed_sale", "open deliveries")
    yield holds(
        not any(one.get("sealed_to") for one in items(bare)), "none without a key", "without a key", bare
    )


@gateway("DLV-033", title="Sealed goods are counted when they are opened", scenarios=("sealed_sale",))
def counted(t: Transcript) -> Iterator[Outcome]:
    """Twice each, and shown as revealed."""
    good(t, "sealed_sale", "sealed reveal again")
    page = good(t, "sealed_sale", "sealed deliveries after")
    found = [(one.get("reveal_count"), one.get("status")) for one in items(page)]
    right = bool(found) and set(found) == {(2, "revealed")}
    yield holds(right, "two each, revealed", f"counts and states are {found}", page)
