"""The suite's commands as they are typed; test_certify.py has what one of them is asked for in detail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from spec.cli import main
from tests.conformance.standing import SECRET


def vgcp(*words: str) -> tuple[int, str]:
    """Run the command in this process: exit code and standard output."""
    answer = CliRunner().invoke(main, words)
    return answer.exit_code, answer.stdout


def test_a_certified_channel_exits_0(sound: str, tmp_path: Path) -> None:
    """In a process of its own: progress line by line, a summary by requirement, and where the reports are."""
    answer = subprocess.run(
        [str(Path(sys.executable).parent / "vgcp"), "certify", "channel", sound, "--out", "r"],
        cwd=tmp_path,
        env={**os.environ, "VGCP_TEST_SECRET": SECRET},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    for told in ("[1/", "SIG-006", "CERTIFIED", "r/report.html"):
        assert told in answer.stdout
    assert {path.name for path in (tmp_path / "r").iterdir()} == {
        "report.json",
        "report.html",
        "report.md",
        "junit.xml",
        "badge.svg",
        "transcript.jsonl",
    }


def test_nobody_there_exits_3() -> None:
    """Void, with the reason."""
    code, out = vgcp("certify", "channel", "http://127.0.0.1:1", "--test-secret", SECRET, "--only", "SIG-005")
    assert code == 3
    assert "VOID" in out
    assert "no VGCP discovery document" in out


def test_checks_and_requirements_are_listed() -> None:
    """--list drives nothing; requirements prints the registry, as a table and as JSON."""
    code, out = vgcp("certify", "channel", "--list")
    assert code == 0
    assert "SEL-010" in out
    code, out = vgcp("requirements", "--role", "channel")
    assert code == 0
    assert "SEL-010" in out
    code, out = vgcp("requirements", "--json")
    rows = {row["id"]: row for row in json.loads(out)}
    assert rows["SEL-010"]["checks"] == ["SEL-010"]
    assert rows["SEL-010"]["mutants"] == ["channel:orders_anew"]
    assert rows["TST-008"]["excluded"]
