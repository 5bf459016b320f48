"""The suite as a pytest plugin: each check a test, judged by the rules of verdicts."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

import conformance.report_text
import conformance.rounds  # noqa: F401 - see below
from conformance import runner
from tests.conformance.standing import SECRET, standing

# pytester forgets what is first imported within its pytest; the checks would then be registered twice.
runner.load("channel")
pytest_plugins = ["pytester"]
QUIET = ("-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:xdist", "-q", "-rA")


@pytest.fixture(autouse=True)
def _alone(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder, with nothing set but the secret."""
    for name in [name for name in os.environ if name.startswith(("VGCP_", "PYTEST_ADDOPTS"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("VGCP_TEST_SECRET", SECRET)


def a_pytest(pytester: pytest.Pytester, *words: str) -> tuple[int, str]:
    """Run pytest in the folder, within this process: exit code and output."""
    answer = pytester.runpytest_inprocess(*words)
    return int(answer.ret), answer.stdout.str() + answer.stderr.str()


def test_each_check_is_a_test_with_its_verdict(pytester: pytest.Pytester, expired: str) -> None:
    """Holds: passed. Does not, or was not shown: failed, with finding, hint and exchange. Disabled: skipped."""
    only = (
        "--vgcp-only",
        "SIG-008 SIG-009 SIG-005 SEL-002",
        "--vgcp-disable",
        "SEL-002",
        "--vgcp-out",
        "out",
    )
    code, output = a_pytest(
        pytester, *QUIET, "--vgcp-role", "channel", "--vgcp-url", expired, *only, "--junitxml=j.xml"
    )
    assert code == 1
    cases = {
        case.attrib["name"]: case for case in ElementTree.parse(pytester.path / "j.xml").iter("testcase")
    }
    kinds = {name: [child.tag for child in case][:1] for name, case in cases.items()}
    assert kinds == {
        "SIG-005": [],
        "SIG-008": ["failure"],
        "SIG-009": ["failure"],
        "SEL-002": ["skipped"],
        "SEL-002-b": ["skipped"],
    }
    (failure,) = cases["SIG-008"]
    for told in ("SIG-008 An event signed", "A channel MUST refuse", "fail: an event was taken", "-> 204"):
        assert told in (failure.text or "")
    assert "Traceback" not in output
    assert "How to fix: Read the raw body" in (cases["SIG-009"][0].text or "")
    assert "VGCP 1.0 channel: failed" in output
    assert (pytester.path / "out" / "report.html").is_file()


def test_settings_from_pytests_own_file_and_a_choice_by_name(pytester: pytest.Pytester) -> None:
    """-k chooses what is driven; a SHOULD that does not hold is a warning; other tests run beside."""
    (pytester.path / "test_other.py").write_text("def test_other_015(): pass\n")
    with standing("token_per_request") as url:
        (pytester.path / "pytest.ini").write_text(f"[pytest]\nvgcp_role = channel\nvgcp_url = {url}\n")
        code, output = a_pytest(pytester, *QUIET, "-k", "015", "-W", "default")
    assert code == 0, output
    assert "VgcpWarning: AUT-015" in output
    assert "PASSED vgcp::EVT-015" in output
    assert "PASSED test_other.py::test_other_015" in output
    assert "VGCP 1.0 channel: partial" in output


def test_a_void_run_fails_every_test(pytester: pytest.Pytester) -> None:
    """What vgcp.toml names is not there."""
    (pytester.path / "vgcp.toml").write_text(
        'role = "channel"\nurl = "http://127.0.0.1:1"\nonly = ["SIG-005"]\n'
    )
    code, output = a_pytest(pytester, *QUIET, "--vgcp")
    assert code == 1
    assert "void, nothing can be concluded: no VGCP discovery document" in output


def test_wrong_settings_are_usage_errors(pytester: pytest.Pytester) -> None:
    """With what is wrong, before anything runs; so is spreading the checks over processes."""
    here = ("--vgcp-role", "channel", "--vgcp-url", "http://127.0.0.1:1")
    for words, message in (
        (("--vgcp-url", "http://127.0.0.1:1"), "role must be set"),
        ((*here, "--vgcp-only", "ABC-001"), "is called ABC-001"),
        ((*here, "--vgcp-profile", "gold"), "must be one of core, identity, ownership, offline"),
    ):
        code, output = a_pytest(pytester, *QUIET, *words)
        assert (code, message in output) == (4, True), output
    code, output = a_pytest(pytester, *QUIET[:4], "-n", "2", *here)
    assert (code, "use --dist loadgroup" in output) == (4, True), output


def test_it_sleeps_unless_it_is_asked(pytester: pytest.Pytester) -> None:
    """Where vgcp is merely installed no check is collected, and nothing of the suite is imported."""
    program = "import sys\ndef test_asleep():\n    assert 'conformance.pytest_plugin' in sys.modules\n"
    program += "    assert not {'conformance.rounds', 'aiohttp', 'rich', 'jinja2'} & set(sys.modules)\n"
    (pytester.path / "test_asleep.py").write_text(program)
    (pytester.path / "vgcp.toml").write_text("nonsense")
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", *QUIET], capture_output=True, text=True, timeout=60, check=False
    )
    assert (answer.returncode, "1 passed" in answer.stdout) == (0, True), answer.stdout + answer.stderr
