"""Known failures: what is new, what is fixed, and that no verdict changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance import baseline
from conformance.baseline import BaselineError


def a_report(**verdicts: str) -> dict[str, Any]:
    """A report with one finding for each name, SIG_001 for SIG-001."""
    findings = [{"check": n.replace("_", "-"), "verdict": v, "title": "t"} for n, v in verdicts.items()]
    return {"role": "channel", "verdict": "failed", "findings": findings}


def test_what_was_written_is_known(tmp_path: Path) -> None:
    """What is open is written, and read again nothing of it is new."""
    report = a_report(SIG_001="fail", SIG_002="unverified", SIG_003="pass", SIG_004="warn")
    assert baseline.write(report, tmp_path / "known.json") == 2
    known = baseline.read(tmp_path / "known.json", "channel")
    assert known == {"SIG-001": "fail", "SIG-002": "unverified"}
    standing = baseline.stand(report, known)
    assert (standing.known, standing.new, standing.exit_code) == (("SIG-001", "SIG-002"), (), 0)


@pytest.mark.parametrize(
    ("verdict", "new", "fixed", "code"),
    [
        ("fail", ["SIG-001"], [], 1),  # was unverified, and is worse now
        ("unverified", [], [], 0),
        ("pass", [], ["SIG-001"], 0),
        ("not_applicable", [], ["SIG-001"], 0),
        ("disabled", [], [], 0),  # not tried, so neither
        ("harness_error", [], [], 0),  # ours; such a run is void
    ],
)
def test_new_and_fixed(verdict: str, new: list[str], fixed: list[str], code: int) -> None:
    """What is worse than known is new; only what holds is fixed."""
    standing = baseline.stand(a_report(SIG_001=verdict), {"SIG-001": "unverified"})
    assert (list(standing.new), list(standing.fixed), standing.exit_code) == (new, fixed, code)


def test_something_new_that_was_not_shown_is_partial_and_a_void_run_stays_void() -> None:
    """Exit code 2 and 3, as without a baseline."""
    assert baseline.stand(a_report(SIG_001="inconclusive"), {}).exit_code == 2
    assert baseline.stand(a_report(SIG_001="unverified") | {"verdict": "void"}, {}).exit_code == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "--write-baseline makes it"),
        ("[]", "is not a baseline"),
        ("{", "is not a baseline"),
        (json.dumps({"role": "gateway", "known": []}), "is about a gateway, and this is a channel"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str | None, message: str) -> None:
    """Absent, broken, or about the other role."""
    path = tmp_path / "known.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BaselineError, match=message):
        baseline.read(path, "channel")
