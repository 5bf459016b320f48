"""The difference of two reports: newly failing, fixed, the rest."""

from __future__ import annotations

from typing import Any

import pytest

from conformance import diff
from conformance.report_markdown import difference


def a_report(role: str = "channel", **verdicts: str) -> dict[str, Any]:
    """A report with one finding for each name, SIG_001 for SIG-001."""
    findings = [
        {"check": n.replace("_", "-"), "verdict": v, "title": "t | t", "message": "m", "hint": "h"}
        for n, v in verdicts.items()
    ]
    return {"role": role, "verdict": "failed", "findings": findings}


OLD = a_report(SIG_001="pass", SIG_002="fail", SIG_003="pass", SIG_004="fail", SIG_005="fail", SIG_006="pass")
NEW = a_report(
    SIG_001="fail", SIG_002="pass", SIG_003="unverified", SIG_004="fail", SIG_006="harness_error", SIG_007="fail"
)  # fmt: skip


def test_changes_are_of_three_kinds() -> None:
    """What fails and did not is newly failing, also when it is new; what is gone is neither fixed nor failing."""
    data = diff.as_data(OLD, NEW)
    kinds = {kind: [row["check"] for row in data[kind]] for kind in diff.KINDS}
    assert kinds == {
        "newly_failing": ["SIG-001", "SIG-006", "SIG-007"],
        "fixed": ["SIG-002"],
        "changed": ["SIG-003", "SIG-005"],
    }
    assert data["newly_failing"][0]["hint"] == "h"
    assert data["changed"][1]["after"] == "absent"


def test_it_is_told_in_lines_and_in_markdown() -> None:
    """Each change is on a line of its own; a bar in a title does not break the table."""
    assert "  SIG-001 pass -> fail: t | t\n      m" in diff.text(OLD, NEW)
    assert "| SIG-001 | pass | fail | t \\| t: m |" in difference(OLD, NEW)
    assert "nothing has changed" in diff.text(OLD, OLD)
    assert "Nothing has changed." in difference(NEW, NEW)


def test_reports_of_two_roles_are_not_compared() -> None:
    """A channel and a gateway have nothing in common."""
    with pytest.raises(diff.UnlikeError):
        diff.compare(OLD, a_report("gateway"))
