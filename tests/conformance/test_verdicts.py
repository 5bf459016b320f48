"""Each rule by which a transcript comes to verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from conformance import verdicts
from conformance.model import Check, MissingError, Outcome, Verdict, failed, inconclusive, passed, unverified
from conformance.transcript import Exchange, Message, Transcript


def transcript(*capabilities: str, **head: object) -> Transcript:
    """A transcript whose discovery document declares these."""
    t = Transcript({"role": "gateway", "profile": "", **head})
    says = json.dumps({"capabilities": [{"name": name} for name in capabilities]}).encode()
    asked, answer = Message((), b"", method="GET", url="u"), Message((), says, status=200)
    t.record(Exchange(t.number(), "discovery", "discovery", "sent", "", asked, answer, 0, 0))
    return t


def entry(*outcomes: Outcome, name: str = "ORD-001", capability: str = "") -> Check:
    """A check whose judge sees these."""
    return Check(name, name[:7], "gateway", "t", ("story",), lambda t: outcomes, capability)


def judged(check: Check, t: Transcript | None = None, level: str = "MUST") -> Verdict:
    """The verdict of a check that is selected."""
    return verdicts.finding(check, t or transcript("events"), level).verdict


def test_pass_fail_warn_inconclusive() -> None:
    """What the judge saw, worst first; a SHOULD that does not hold is a warning."""
    assert judged(entry(passed("a"))) is Verdict.PASS
    assert judged(entry(passed("a"), failed("b"))) is Verdict.FAIL
    assert judged(entry(failed("b")), level="SHOULD") is Verdict.WARN
    assert judged(entry(passed("a"), inconclusive("c"))) is Verdict.INCONCLUSIVE


def test_not_selected_is_disabled() -> None:
    """Whatever its judge would have seen; and the run is partial."""
    checks = [entry(passed("a")), entry(failed("b"), name="ORD-002")]
    found = verdicts.findings(transcript(), checks, {"ORD-001"})
    assert [f.verdict for f in found] == [Verdict.PASS, Verdict.DISABLED]
    assert verdicts.overall(found, "") == "partial"


def test_undeclared_is_not_applicable_with_proof() -> None:
    """The discovery document is the evidence; a profile that needs the capability makes it unverified."""
    check = entry(passed("a"), capability="allotments")
    found = verdicts.finding(check, transcript("events"), "MUST")
    assert (found.verdict, found.evidence) == (Verdict.NOT_APPLICABLE, (1,))
    assert judged(check, transcript("events", profile="offline")) is Verdict.UNVERIFIED
    assert judged(check, transcript("events", profile="identity,offline")) is Verdict.UNVERIFIED


def test_a_missing_prerequisite_is_unverified_and_blocks() -> None:
    """No evidence, or a judge that saw nothing; the run is not certified."""

    def judge(t: Transcript) -> Iterable[Outcome]:
        raise MissingError("no such exchange")

    assert judged(Check("ORD-001", "ORD-001", "gateway", "t", (), judge)) is Verdict.UNVERIFIED
    assert judged(entry()) is Verdict.UNVERIFIED
    found = verdicts.findings(
        transcript(), [entry(passed("a")), entry(name="ORD-002")], {"ORD-001", "ORD-002"}
    )
    assert verdicts.overall(found, "") == "partial"


def test_a_fault_of_the_suite_voids() -> None:
    """A driver or a judge that crashed."""
    t = transcript()
    t.broken["story"] = "ZeroDivisionError: ours"
    found = verdicts.findings(t, [entry(passed("a"))], {"ORD-001"})
    assert (found[0].verdict, verdicts.overall(found, "")) == (Verdict.HARNESS_ERROR, "void")

    def judge(t: Transcript) -> Iterable[Outcome]:
        raise KeyError("ours")

    assert judged(Check("ORD-001", "ORD-001", "gateway", "t", (), judge)) is Verdict.HARNESS_ERROR


@pytest.mark.parametrize(
    ("declared", "chosen", "verdict"),
    [
        (("events", "allotments"), {"ALT-001", "ALT-002"}, Verdict.FAIL),
        (("events",), {"ALT-001", "ALT-002"}, Verdict.NOT_APPLICABLE),
        (("events", "allotments"), {"ALT-001"}, Verdict.UNVERIFIED),
    ],
)
def test_a_declared_capability_that_is_missing_fails(
    declared: tuple[str, ...], chosen: set[str], verdict: Verdict
) -> None:
    """When all of it was looked for and nothing could be seen; a part of it shows nothing either way."""
    checks = [entry(unverified("no"), name=name, capability="allotments") for name in ("ALT-001", "ALT-002")]
    found = verdicts.findings(transcript(*declared), checks, chosen)
    assert found[0].verdict is verdict


def test_one_that_was_seen_at_all_is_not_missing() -> None:
    """A capability of which something was seen keeps its unverified checks."""
    checks = [
        entry(passed("yes"), name="ALT-001", capability="allotments"),
        entry(unverified("no"), name="ALT-002", capability="allotments"),
    ]
    found = verdicts.findings(transcript("allotments"), checks, {"ALT-001", "ALT-002"})
    assert [f.verdict for f in found] == [Verdict.PASS, Verdict.UNVERIFIED]


def test_nothing_executed_is_void() -> None:
    """Nothing at all, nothing but what is not applicable, or a run that never began."""
    assert verdicts.overall([], "") == "void"
    found = verdicts.findings(transcript("events"), [entry(passed("a"), capability="orders")], {"ORD-001"})
    assert verdicts.overall(found, "") == "void"
    t = transcript()
    t.end = {"void": "nobody there"}
    assert verdicts.void(t) == "nobody there"
