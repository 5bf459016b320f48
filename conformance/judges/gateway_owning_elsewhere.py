"""Judges of what other channels see of what a buyer owns or owned (ownership.md, consent.md)."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.judges.gateway_evidence import dig, good, items, ok
from conformance.model import MissingError, Outcome, check, holds
from conformance.transcript import Transcript


@check(
    "OWN-004",
    role="gateway",
    capability="ownership",
    title="Another channel sees what she owns while she allows it",
    scenarios=("owning_elsewhere",),
    also=("identity", "consent"),
)
def allowed(t: Transcript) -> Iterator[Outcome]:
    """What one account has bought, in the list of a linked one: not before the consent, under it, and not after it."""
    owned = t.fact("owning_elsewhere", "owned")
    wanted = {"own a": True, "not allowed b": False, "allowed b": True, "withdrawn b": False}
    for label, there in wanted.items():
        page = good(t, "owning_elsewhere", label)
        seen = owned in [one.get("id") for one in items(page)]
        yield holds(seen == there, f"{label}: {there}", f"{label}: listed is {seen}, not {there}", page)


@check(
    "OWN-036",
    role="gateway",
    capability="ownership",
    title="An order is named to its own channel only",
    scenarios=("handing_on",),
)
def named(t: Transcript) -> Iterator[Outcome]:
    """In the list of its deliveries; and not when the channel of a new owner reveals one."""
    pages = t.all("handing_on", label="deliveries of two", where=ok)
    if not any(items(page) for page in pages):
        raise MissingError("there are no deliveries of the order")
    bare = [
        one.get("id") for page in pages for one in items(page) if not {"order_id", "line_id"} <= one.keys()
    ]
    yield holds(not bare, "its own channel is told", f"no order or line is named in {bare}", *pages)
    good(t, "handing_on", "accept")
    seen = good(t, "handing_on", "new reveal")
    told = {"order_id", "line_id"} & (dig(seen.answer, "delivery") or {}).keys()
    yield holds(not told, "the new owner's is not", f"the new owner's channel is told {sorted(told)}", seen)
