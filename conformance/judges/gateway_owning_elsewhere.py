"""The judge of what other channels see of what a buyer owns (ownership.md, consent.md)."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.judges.gateway_evidence import good, items
from conformance.model import Outcome, check, holds
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
