"""Outcomes become findings, and the registry takes each id once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.model import (
    REGISTRY,
    Check,
    Outcome,
    Registry,
    Scenario,
    Verdict,
    failed,
    holds,
    inconclusive,
    passed,
    unverified,
)
from conformance.runner import load
from conformance.transcript import Transcript
from conformance.verdicts import settle


def entry(name: str = "ORD-001") -> Check:
    """A check with a hint."""
    return Check(name, name[:7], "gateway", "An order", ("order",), lambda t: [], hint="Look again.")


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ([], Verdict.UNVERIFIED),
        ([passed("a")], Verdict.PASS),
        ([passed("a"), unverified("b")], Verdict.UNVERIFIED),
        ([unverified("b"), inconclusive("c")], Verdict.INCONCLUSIVE),
        ([passed("a"), failed("b"), inconclusive("c")], Verdict.FAIL),
    ],
)
def test_the_worst_outcome_decides(outcomes: list[Outcome], verdict: Verdict) -> None:
    """One bad outcome outweighs any number of good ones; none at all shows nothing."""
    assert settle(entry(), outcomes, "MUST").verdict is verdict


def test_a_should_that_does_not_hold_is_a_warning() -> None:
    """Severity follows the keyword."""
    assert settle(entry(), [failed("b")], "SHOULD").verdict is Verdict.WARN
    assert settle(entry(), [failed("b")], "MUST").verdict is Verdict.FAIL


def test_messages_are_joined_once_and_hints_are_for_failures() -> None:
    """A finding has the messages of its worst outcomes, each once; the hint stands where something is wrong."""
    finding = settle(entry(), [failed("b"), failed("b"), failed("c"), passed("a")], "MUST")
    assert (finding.message, finding.hint) == ("b; c", "Look again.")
    assert settle(entry(), [passed("a")], "MUST").hint == ""
    assert settle(entry(), [failed("b", hint="Do this.")], "MUST").hint == "Do this."


def test_holds_says_one_or_the_other() -> None:
    """`holds` passes or fails by its condition."""
    assert holds(True, "good", "bad") == passed("good")
    assert holds(False, "good", "bad", hint="h") == failed("bad", hint="h")


def test_only_who_says_inconclusive_may_waver() -> None:
    """A check whose judge never says so is not looked at again while the run goes on."""

    def steady(t: Transcript) -> Iterator[Outcome]:
        yield passed("a")

    def wavering(t: Transcript) -> Iterator[Outcome]:
        yield inconclusive("b") if t.exchanges else passed("a")

    checks = [Check("ORD-001", "ORD-001", "gateway", "t", (), judge) for judge in (steady, wavering)]
    assert [check.may_waver for check in checks] == [False, True]
    load("gateway")
    assert {c.id for c in REGISTRY.of("gateway") if c.may_waver} >= {"EVT-007", "EVT-017", "INV-001"}


def test_an_id_is_taken_once() -> None:
    """A second check or scenario of one name in one role is an error; in the other role it is not."""
    registry = Registry()
    registry.add_check(entry())
    with pytest.raises(ValueError, match="ORD-001 is defined twice"):
        registry.add_check(entry())

    async def drive(session: Transcript) -> None:
        """Nothing."""

    registry.add_scenario(Scenario("order", "gateway", drive))
    registry.add_scenario(Scenario("order", "channel", drive))
    with pytest.raises(ValueError, match="order is defined twice"):
        registry.add_scenario(Scenario("order", "gateway", drive))


def test_who_moves_the_clock_has_a_phase_alone() -> None:
    """Whichever of the two is registered first."""

    async def drive(session: Transcript) -> None:
        """Nothing."""

    for first, second in ((True, False), (False, True), (True, True)):
        registry = Registry()
        registry.add_scenario(Scenario("one", "gateway", drive, 3, clock=first))
        registry.add_scenario(Scenario("other", "gateway", drive, 4, clock=second))
        with pytest.raises(ValueError, match="share phase 3"):
            registry.add_scenario(Scenario("two", "gateway", drive, 3, clock=second))


def test_the_registry_sorts() -> None:
    """Checks come by id, scenarios by phase."""
    registry = Registry()
    for name in ("ORD-002", "ORD-001-b", "ORD-001"):
        registry.add_check(entry(name))
    assert [c.id for c in registry.of("gateway")] == ["ORD-001", "ORD-001-b", "ORD-002"]
    assert registry.of("channel") == []
