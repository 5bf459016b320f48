"""What to fix first."""

from __future__ import annotations

from typing import Any

from conformance.advice import first


def a_finding(check: str, verdict: str, *scenarios: str) -> dict[str, Any]:
    """A finding with what the order depends on."""
    return {
        "check": check,
        "requirement": check[:7],
        "verdict": verdict,
        "message": "m",
        "text": "A channel MUST.",
        "evidence": [],
        "scenarios": list(scenarios),
    }


def order(*findings: dict[str, Any], most: int = 5) -> list[str]:
    """The checks in the order in which they are to be fixed."""
    return [advice.check for advice in first({"findings": list(findings)}, most)]


def test_prerequisites_come_first_then_what_explains_most_then_money() -> None:
    """Discovery and tokens before orders; a failure for which others wait before one for which none does."""
    found = order(
        a_finding("CNV-001", "fail", "reading"),
        a_finding("SEL-002", "fail", "buying"),
        a_finding("TRC-006", "fail", "waiting"),
        a_finding("EVT-001", "unverified", "waiting"),
        a_finding("EVT-002", "unverified", "waiting", "buying"),
        a_finding("AUT-001", "fail", "tokens"),
        a_finding("ORD-001", "pass", "buying"),
        a_finding("ERR-001", "warn", "buying"),
    )
    assert found == ["AUT-001", "TRC-006", "SEL-002", "CNV-001", "ERR-001"]


def test_a_fault_of_the_suite_is_told_before_all() -> None:
    """Nothing can be concluded while it stands."""
    assert order(a_finding("AUT-001", "fail"), a_finding("CNV-001", "harness_error")) == [
        "CNV-001",
        "AUT-001",
    ]


def test_what_no_failure_explains_is_told_once_for_each_story() -> None:
    """Three checks that miss the same are one thing to do, before the one that stands alone."""
    advice = first(
        {
            "findings": [
                a_finding("EVT-009", "inconclusive", "b"),
                a_finding("EVT-001", "unverified", "a"),
                a_finding("EVT-002", "unverified", "a"),
                a_finding("EVT-003", "unverified", "a"),
            ]
        }
    )
    assert [(entry.check, entry.explains) for entry in advice] == [("EVT-001", 2), ("EVT-009", 0)]


def test_at_most_so_many_and_none_when_nothing_is_wrong() -> None:
    """Five by default; the remedy is the standard's sentence where no hint is given."""
    assert len(order(*(a_finding(f"EVT-00{n}", "fail") for n in range(8)))) == 5
    assert order(a_finding("EVT-001", "pass"), a_finding("EVT-002", "disabled")) == []
    assert first({"findings": [a_finding("EVT-001", "fail")]})[0].remedy == "A channel MUST."


def test_the_commands_can_be_typed() -> None:
    """To try only this again, and to have it explained."""
    report = {
        "role": "channel",
        "target": {"url": "http://127.0.0.1:1"},
        "findings": [a_finding("SEL-002-b", "fail")],
    }
    assert first(report)[0].commands(report) == (
        "vgcp certify channel http://127.0.0.1:1 --only SEL-002-b",
        "vgcp requirements explain SEL-002",
    )
