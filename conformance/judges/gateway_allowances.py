"""Judges of what limits leave a buyer over her accounts, and of her tier (identity.md)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from conformance.judges.gateway_evidence import dig, good, is_problem, ok, refusal, said
from conformance.judges.gateway_identity import joined, linked
from conformance.model import MissingError, Outcome, check, holds
from conformance.transcript import Exchange, Transcript

gateway = partial(check, role="gateway", capability="identity")
REACHED = "purchase_limit_reached"


def _left(t: Transcript, seen: Exchange, product: str) -> tuple[object, object] | None:
    """Limit and rest that a profile shows of a product; None where it shows nothing of it."""
    limits = seen.answer.get("purchase_limits")
    wanted = t.fact("allowances", f"product {product}")
    for one in limits if isinstance(limits, list) else []:
        if dig(one, "product_id") == wanted:
            return dig(one, "quantity"), dig(one, "remaining")
    return None


def _bought(t: Transcript) -> None:
    """Raises MissingError unless both have something that counts, were linked, and were split again."""
    for label in ("shared a", "own a", "gone a", "hold b", "withdraw"):
        good(t, "allowances", label)
    joined(t, "allowances", "linked a", "linked b")
    for who in "ab":
        if linked(t, "allowances", f"apart {who}")[1]:
            raise MissingError("the accounts were not split")
        named = [good(t, "allowances", f"{label} {who}").answer.get("id") for label in ("linked", "resolved")]
        if named[0] != named[1]:
            raise MissingError("resolve_buyer answered with another account")


@gateway("IDN-047", title="All accounts have one tier", scenarios=("tiers",))
def one_tier(t: Transcript) -> Iterator[Outcome]:
    """Set for one of two linked accounts, shown on both channels."""
    good(t, "tiers", "tier a")
    seen = joined(t, "tiers", "in the tier a", "in the tier b")
    found = [one.answer.get("tier") for one in seen]
    yield holds(found == ["gold", "gold"], "gold on both", f"tiers {found}, not gold on both", *seen)


@gateway("IDN-050", title="A profile shows what limits leave her", scenarios=("allowances",))
def allowances(t: Transcript) -> Iterator[Outcome]:
    """Two bought on one channel and one held on the other, of four: while linked, and apart again."""
    _bought(t)
    for label, rest in (("linked", (1, 1)), ("resolved", (1, 1)), ("apart", (2, 3))):
        for who, left in zip("ab", rest, strict=True):
            seen = good(t, "allowances", f"{label} {who}")
            found = _left(t, seen, "shared")
            bad = f"{label} {who}: limit and rest {found}, not {(4, left)}"
            yield holds(found == (4, left), f"{label} {who}: {left} of 4 are left", bad, seen)


@gateway("IDN-051", title="A tier has its own limit", scenarios=("tiers",))
def by_tier(t: Transcript) -> Iterator[Outcome]:
    """Two for everybody, three for gold: the third is refused before the tier, the fourth in it."""
    good(t, "tiers", "up to the limit c")
    if not is_problem(t.one("tiers", "above the limit c"), REACHED):
        raise MissingError("the limit does not hold without a tier")
    good(t, "tiers", "tier c")
    more = t.one("tiers", "up to the tier c")
    yield holds(ok(more), "up to the tier's quantity", f"up to the tier's quantity: {said(more)}", more)
    yield from refusal(t, "tiers", "above the tier c", REACHED, "up to the tier c")


@gateway("IDN-052", title="A profile shows no product that is not sold here", scenarios=("allowances",))
def sold_here(t: Transcript) -> Iterator[Outcome]:
    """What only the other channel sells, and what was withdrawn."""
    _bought(t)
    if _left(t, good(t, "allowances", "linked a"), "own") is None:
        raise MissingError("nothing is shown to the channel that sells it")
    for who, hidden in (("a", ("gone",)), ("b", ("own", "gone"))):
        for label in ("linked", "resolved"):
            seen = good(t, "allowances", f"{label} {who}")
            found = [name for name in hidden if _left(t, seen, name) is not None]
            yield holds(not found, f"{label} {who}: nothing else", f"{label} {who}: shows {found}", seen)
