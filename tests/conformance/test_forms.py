"""`vgcp report`: a stored report in its other forms, and what the screen and the Markdown show of it."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from conformance.report_markdown import fence, markdown, plain
from conformance.report_screen import screen
from conformance.runner import Run
from spec.cli import main

Reported = tuple[Run, Path]
FORMS = {"html": "report.html", "markdown": "report.md", "junit": "junit.xml", "badge": "badge.svg"}


def vgcp(*words: object) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, [str(word) for word in words])


def data_of(reported: Reported) -> dict[str, Any]:
    """A copy of the report."""
    data: dict[str, Any] = json.loads((reported[1] / "report.json").read_text())
    return data


@pytest.mark.parametrize("form", FORMS)
def test_a_stored_report_gives_the_same_files_again(reported: Reported, form: str, tmp_path: Path) -> None:
    """Byte for byte what the run wrote, with the transcript beside it or named; to a file or to the output."""
    folder = reported[1]
    wanted = (folder / FORMS[form]).read_text()
    assert vgcp("report", form, folder / "report.json").stdout == wanted
    (tmp_path / "alone.json").write_bytes((folder / "report.json").read_bytes())
    named = ("--transcript", folder / "transcript.jsonl", "--out", tmp_path / "again")
    assert vgcp("report", form, tmp_path / "alone.json", *named).exit_code == 0
    assert (tmp_path / "again").read_text() == wanted


def test_a_report_alone_has_the_findings_without_exchanges(reported: Reported, tmp_path: Path) -> None:
    """The numbers are named, and where to look for them."""
    (tmp_path / "report.json").write_bytes((reported[1] / "report.json").read_bytes())
    page = vgcp("report", "html", tmp_path / "report.json").stdout
    assert "DLV-013" in page
    assert 'class="exchange"' not in page


def test_what_is_no_report_or_of_another_run_is_refused(reported: Reported, tmp_path: Path) -> None:
    """With what does not fit, and exit code 64."""
    folder = reported[1]
    data = data_of(reported)
    data["findings"][0]["verdict"] = "great"
    (tmp_path / "wrong.json").write_text(json.dumps(data))
    answer = vgcp("report", "html", tmp_path / "wrong.json")
    assert answer.exit_code == 64
    assert "findings/0/verdict" in answer.output
    assert vgcp("report", "junit", folder / "junit.xml").exit_code == 64
    (tmp_path / "other.jsonl").write_text('{"vgcp_transcript": 1, "nonce": "other"}\n')
    answer = vgcp("report", "html", folder / "report.json", "--transcript", tmp_path / "other.jsonl")
    assert answer.exit_code == 64
    assert "another run" in answer.output
    assert (
        vgcp("report", "html", folder / "report.json", "--transcript", folder / "junit.xml").exit_code == 64
    )


def test_two_reports_are_compared(reported: Reported, tmp_path: Path) -> None:
    """Exit code 1 only when something is newly failing; as lines, JSON or Markdown."""
    bad = reported[1] / "report.json"
    data = data_of(reported)
    next(f for f in data["findings"] if f["check"] == "DLV-013")["verdict"] = "pass"
    good = tmp_path / "good.json"
    good.write_text(json.dumps(data))
    answer = vgcp("report", "diff", good, bad)
    assert (answer.exit_code, "DLV-013 pass -> fail" in answer.stdout) == (1, True)
    answer = vgcp("report", "diff", bad, good, "--json")
    assert (answer.exit_code, [row["check"] for row in json.loads(answer.stdout)["fixed"]]) == (
        0,
        ["DLV-013"],
    )
    assert "### Newly failing (1)" in vgcp("report", "diff", good, bad, "--markdown").stdout
    assert vgcp("report", "diff", good, bad, "--json", "--markdown").exit_code == 64
    good.write_text(json.dumps(data | {"role": "gateway"}))
    assert "the other about a" in vgcp("report", "diff", good, bad).output


def test_the_schema_is_published() -> None:
    """As it is used."""
    assert json.loads(vgcp("report", "schema").stdout)["$id"] == "urn:vgcp:schema:report:1"


def test_markdown_has_failures_first_and_is_bounded(reported: Reported) -> None:
    """However much is wrong: the verdict and what to fix first stay, the rest is counted."""
    data, text = data_of(reported), (reported[1] / "report.md").read_text()
    assert text.startswith("## ❌ VGCP 1.0 channel: failed\n")
    assert text.index("### Fix first") < text.index("<details><summary><b>fail</b> DLV-013")
    assert "the suite asked: GET" in text
    failure = next(f for f in data["findings"] if f["check"] == "DLV-013")
    data["findings"] = [failure | {"check": f"DLV-{n:03}", "message": "x" * 900} for n in range(200)]
    long = markdown(data, {})
    assert 55_000 < len(long) <= 60_000
    assert "… and 1" in long
    assert long.count("<details>") == long.count("</details>")
    assert len(markdown(data, {}, longest=8_000)) <= 8_000


def test_what_the_implementation_says_is_not_read_as_markdown() -> None:
    """No mention, link, image, markup or end of a block comes out of it."""
    assert plain("a @you <img src=x> [b](c) | `d`\n# e") == (
        "a \\@you \\<img src=x\\> \\[b\\](c) \\| \\`d\\` \\# e"
    )
    fenced = fence("``` and\n```` more")
    assert fenced.startswith("`````text\n")
    assert fenced.endswith("\n`````")


def shown(data: dict[str, Any], **console: Any) -> str:
    """The last screen on such a console."""
    file = io.StringIO()
    screen(data, Console(file=file, width=100, **console))
    return file.getvalue()


def test_colour_is_for_terminals_and_not_for_all(reported: Reported, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets colours, one with NO_COLOR gets none, and a file gets nothing but text."""
    data = data_of(reported)
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[1;31m" in shown(data, force_terminal=True, color_system="standard")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31m" not in shown(data, force_terminal=True, color_system="standard")
    assert "\x1b" not in shown(data)


def test_the_screen_of_a_void_run_says_why(reported: Reported) -> None:
    """No table of checks that mean nothing; the reason at the end."""
    data = copy.deepcopy(data_of(reported)) | {"void": "nobody there", "verdict": "void"}
    assert shown(data).rstrip().endswith("nobody there")
    assert "SEL-002 " not in shown(data).partition("Fix first")[0]


def test_the_suites_own_score_is_shown(reported: Reported, tmp_path: Path) -> None:
    """How many wrong implementations it caught, and those that it did not by name, with the reason."""
    survivor = {"mutant": "channel:slow", "requirement": "LIM-003", "reason": "nobody <sees> it"}
    data = data_of(reported) | {
        "score": {"mutants": 60, "killed": 59, "score": 0.98, "survivors": [survivor]}
    }
    data["score"] |= {"vacuous_passes": [], "suite_digest": "sha256:0"}
    (tmp_path / "report.json").write_text(json.dumps(data))
    page = vgcp("report", "html", tmp_path / "report.json").stdout
    for told in ("59 / 60", "channel:slow", "nobody &lt;sees&gt; it"):
        assert told in page


def test_schema_robustness_is_shown_and_not_scored(reported: Reported, tmp_path: Path) -> None:
    """On the page with how to reproduce it, in Markdown and on the screen in one line; the verdict is as before."""
    failure = {
        "kind": "not_a_server_error",
        "message": "500 <for> a fool",
        "status": 500,
        "reproduction": "curl '&'",
    }
    found = {
        "tool": "schemathesis 4",
        "phase": "coverage",
        "seed": 7,
        "seconds": 1.5,
        "complete": False,
        "cases": 12,
        "failures": 1,
        "operations": [
            {"operation": "receive_event", "cases": 10, "failures": [failure]},
            {"operation": "test_sync", "cases": 2, "failures": []},
        ],
    }
    data = data_of(reported) | {"robustness": found}
    (tmp_path / "report.json").write_text(json.dumps(data))
    page = vgcp("report", "html", tmp_path / "report.json").stdout
    assert "500 &lt;for&gt; a fool" in page
    assert "not complete" in page
    told = "12 requests, 1 failures"
    assert f"Schema robustness, not scored: {told} (receive_event)." in markdown(data, {})
    assert f"(not scored): {told}" in shown(data)
    assert "Schema robustness" not in shown(data_of(reported))
