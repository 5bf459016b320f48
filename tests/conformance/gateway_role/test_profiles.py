"""Certifying for a profile: what it needs must be there, and what it does not need is not asked for."""

from __future__ import annotations

import pytest

from conformance import runner
from conformance.mini_gateway import MiniGateway
from conformance.model import Verdict
from conformance.report import report
from conformance.runner import Run, Target


async def certify(fault: str, profile: str) -> Run:
    """Certify the mini gateway for a profile."""
    async with MiniGateway(fault, retry_pause=0.5) as gateway:
        return await runner.run(Target("gateway", gateway.url, gateway.test_secret, profile=profile))


def of_leases(run: Run) -> set[Verdict]:
    """The verdicts of the checks that a gateway without allotments cannot pass."""
    return {one.verdict for one in run.findings if one.check.capability == "allotments"}


def beyond_the_core(run: Run) -> set[str]:
    """What the suite has asked of a gateway of the core that only the capabilities beyond it have."""
    asked = [exchange.asked for exchange in run.transcript.all(direction="sent")]
    used = {f"on_demand in {body}" for body in asked if "on_demand" in body}
    used |= {f"allotment in {body}" for body in asked if body.get("consistency") == "allotment"}
    # one order for a key must be asked for: that it is refused is of the core (DLV-028)
    keys = run.transcript.all(direction="sent", where=lambda e: "recipient_key" in e.asked)
    return used | {f"a key in {each.scenario}" for each in keys if each.scenario != "sealed_or_refused"}


@pytest.mark.parametrize(
    ("fault", "profile", "verdict", "leases"),
    [
        ("", "offline", "certified", {Verdict.PASS}),
        ("", "core", "certified", set()),
        ("", "identity,ownership", "certified", set()),
        ("core_only", "core", "certified", set()),
        ("core_only", "", "certified", {Verdict.NOT_APPLICABLE}),
        ("core_only", "offline", "partial", {Verdict.UNVERIFIED}),
    ],
)
async def test_a_profile_is_certified(fault: str, profile: str, verdict: str, leases: set[Verdict]) -> None:
    """A gateway of the core is certified for the core, and not for more."""
    run = await certify(fault, profile)
    said = [(f.check.id, f.verdict, f.message) for f in run.findings if f.verdict is not Verdict.PASS]
    assert (run.verdict, run.void) == (verdict, ""), said
    assert of_leases(run) == leases
    assert report(run).get("profile", "") == profile
    if fault == "core_only":
        assert beyond_the_core(run) == set()
