"""`vgcp certify` with a file, an environment, a baseline, and what stops a run early."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from spec.cli import main
from tests.conformance.standing import SECRET

SERVE = f"{sys.executable} -m conformance.mini_channel"


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder, with nothing set but the secret."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("VGCP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("VGCP_TEST_SECRET", SECRET)


def vgcp(*words: str) -> Result:
    """Run the command here."""
    return CliRunner().invoke(main, words)


def a_file(**values: object) -> None:
    """Write vgcp.toml."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    Path("vgcp.toml").write_text("\n".join(["[certify]", *lines]) + "\n")


def findings(answer: Result) -> dict[str, str]:
    """The verdicts of a run with --json, but those that were not tried."""
    data = json.loads(answer.stdout)
    return {f["check"]: f["verdict"] for f in data["findings"] if f["verdict"] != "disabled"}


def test_the_file_says_what_is_certified(sound: str) -> None:
    """Without a word on the command line; the report is where the file says, next to it."""
    a_file(role="channel", url=sound, only=["SIG-005"], out="report", profile="core")
    answer = vgcp("certify")
    assert answer.exit_code == 2, answer.output
    report = json.loads(Path("report/report.json").read_text())
    assert (report["profile"], report["counts"]["pass"]) == ("core", 1)


def test_an_option_goes_before_the_environment_and_that_before_the_file(
    sound: str, expired: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file's channel fails, the environment's passes; and what is typed goes before both."""
    a_file(role="channel", url=expired, only=["SIG-008"])
    assert findings(vgcp("certify", "--json")) == {"SIG-008": "fail"}
    monkeypatch.setenv("VGCP_URL", sound)
    assert findings(vgcp("certify", "--json")) == {"SIG-008": "pass"}
    assert findings(vgcp("certify", "channel", expired, "--json")) == {"SIG-008": "fail"}
    assert findings(vgcp("certify", "--url", expired, "--only", "SIG-005", "--json")) == {"SIG-005": "pass"}


def test_the_secret_is_in_the_variable_that_the_file_names(
    sound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And where it is not, the variable is named."""
    monkeypatch.delenv("VGCP_TEST_SECRET")
    a_file(role="channel", url=sound, only=["SIG-005"], test_secret_env="SHOP_SECRET")
    answer = vgcp("certify")
    assert answer.exit_code == 64
    assert "export SHOP_SECRET" in answer.output
    monkeypatch.setenv("SHOP_SECRET", SECRET)
    assert vgcp("certify").exit_code == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["certify"], "Which side is it?"),
        (["certify", "channel"], "URL is needed"),
        (["certify", "channel", "http://127.0.0.1:1", "--only", "ABC-001"], "no check of the channel role is called"),
        (["certify", "channel", "http://127.0.0.1:1", "--disable", "ABC-001"], "is called ABC-001"),
        (["certify", "--only", "SIG-005", "channel"], "Options go behind the word: vgcp certify channel"),
        (["certify", "channel", "http://127.0.0.1:1", "--write-baseline"], "--write-baseline needs --baseline"),
        (["certify", "channel", "http://127.0.0.1:1", "--baseline", "no.json"], "--write-baseline makes it"),
        (["certify", "channel", "http://127.0.0.1:1", "--watch", "--json"], "does not go with"),
        (["certify", "channel", "--config", "no.toml"], "no.toml"),
        (["certify", "channel", "--colour"], "No such option"),
    ],
)  # fmt: skip
def test_wrong_use_runs_nothing_and_exits_64(words: list[str], message: str) -> None:
    """None of 0 to 3, which are verdicts; with what is wrong."""
    answer = vgcp(*words)
    assert (answer.exit_code, message in answer.output) == (64, True), answer.output


def test_a_file_of_the_other_role_is_not_taken_for_it(sound: str) -> None:
    """The file's URL is a gateway's; with a URL of its own the command does not mind."""
    a_file(role="gateway", url="http://127.0.0.1:1")
    assert "is a gateway's" in vgcp("certify", "channel").output
    assert vgcp("certify", "channel", sound, "--only", "SIG-005").exit_code == 2


def test_what_is_disabled_is_named_and_makes_the_run_partial(sound: str) -> None:
    """By id or requirement; the rest is judged."""
    answer = vgcp(
        "certify",
        "channel",
        sound,
        "--only",
        "SEL-002",
        "--only",
        "SIG-005",
        "--disable",
        "sel-002",
        "--json",
    )
    assert (answer.exit_code, findings(answer)) == (2, {"SIG-005": "pass"})
    said = {f["check"]: f["message"] for f in json.loads(answer.stdout)["findings"]}
    assert (said["SEL-002"], said["SEL-001"]) == ("disabled by the operator", "not selected")


def test_a_run_stops_at_the_first_failure(expired: str) -> None:
    """What was not driven to its end is disabled, with the reason, also when the transcript is judged again."""
    answer = vgcp("certify", "channel", expired, "--fail-fast", "--json", "--out", "report")
    report = json.loads(answer.stdout)
    by_id = {finding["check"]: finding for finding in report["findings"]}
    assert (answer.exit_code, report["verdict"], by_id["SIG-008"]["verdict"]) == (1, "failed", "fail")
    left = [f for f in report["findings"] if f["verdict"] == "disabled"]
    assert {f["message"] for f in left} == {"not tried, as SIG-008 failed first (--fail-fast)"}
    assert len(left) > 20
    assert "harness_error" not in {f["verdict"] for f in report["findings"]}
    assert vgcp("judge", "report/transcript.jsonl", "--json").stdout == answer.stdout


def test_a_baseline_lets_known_failures_pass_and_names_new_ones(sound: str, expired: str) -> None:
    """Written, then nothing is new; against another channel it is new again, or fixed. The verdict stays."""
    known = ["--baseline", "known.json", "--only", "SIG-008"]
    assert vgcp("certify", "channel", expired, *known, "--write-baseline").exit_code == 0
    answer = vgcp("certify", "channel", expired, *known, "--json")
    report = json.loads(answer.stdout)
    assert (answer.exit_code, report["verdict"], report["exit_code"]) == (0, "failed", 1)
    assert report["baseline"] == {"known": ["SIG-008"], "new": [], "fixed": [], "exit_code": 0}
    answer = vgcp("certify", "channel", sound, *known)
    assert answer.exit_code == 0
    assert "fixed: SIG-008" in answer.output
    assert vgcp("certify", "channel", sound, *known, "--write-baseline").exit_code == 0
    answer = vgcp("certify", "channel", expired, *known, "--out", "report")
    assert answer.exit_code == 1
    assert "new: SIG-008" in answer.output
    assert "no certificate" in answer.output
    assert "which is no certificate" in Path("report/report.html").read_text()


def test_the_last_screen_has_no_colour_but_on_a_terminal(expired: str) -> None:
    """What to fix first, with commands to go on, and not one escape sequence."""
    answer = vgcp("certify", "channel", expired, "--only", "SIG-008")
    assert (answer.exit_code, "FAILED" in answer.output) == (1, True)
    assert "1. SIG-008 an event was taken: old" in answer.output
    assert f"$ vgcp certify channel {expired} --only SIG-008" in answer.output
    assert "$ vgcp requirements explain SIG-008" in answer.output
    assert "\x1b" not in answer.output


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.mark.slow
def test_the_implementation_is_started_and_stopped() -> None:
    """Twice on the same port, which is free in between and after, although a shell stands between."""
    port, only = free_port(), ["SIG-005"]
    start = f"sh -c '{SERVE} --port {port}; true'"
    a_file(role="channel", url=f"http://127.0.0.1:{port}", start=start, only=only)
    for _ in range(2):
        assert vgcp("certify").exit_code == 2
        with socket.create_server(("127.0.0.1", port)):
            pass


@pytest.mark.slow
def test_a_cancelled_run_leaves_nothing_running() -> None:
    """SIGTERM, as a CI server sends it, stops what was started, and the run ends as interrupted."""
    port = free_port()
    a_file(role="channel", url=f"http://127.0.0.1:{port}", start=f"{SERVE} --port {port}")
    command = [str(Path(sys.executable).parent / "vgcp"), "certify"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "scenarios" in process.stdout.readline()
        assert process.stdout.readline().startswith("[1/")
        process.terminate()
        assert process.wait(20) == 130
    with socket.create_server(("127.0.0.1", port)):
        pass


FAILS = "import os; print(os.environ['VGCP_TEST_SECRET'], 'no database'); exit(7)"


@pytest.mark.parametrize(
    ("start", "seconds", "message"),
    [
        ([sys.executable, "-c", FAILS], 9, "`start` ended with 7"),
        ([sys.executable, "-c", "import time; time.sleep(60)"], 0.5, "did not serve"),
        (["there-is-no-such-command"], 9, "`start` cannot be run"),
    ],
)
def test_what_does_not_come_up_is_void(start: list[str], seconds: float, message: str) -> None:
    """Exit code 3 and a report with the reason; what it printed is told on the terminal only, but for the secret."""
    port = free_port()
    a_file(role="channel", url=f"http://127.0.0.1:{port}", start=start, start_seconds=seconds)
    answer = vgcp("certify", "--out", "report")
    report = json.loads(Path("report/report.json").read_text())
    assert (answer.exit_code, report["verdict"]) == (3, "void")
    assert message in report["void"]
    assert ("(the test secret) no database" in answer.stderr) is (start[-1] == FAILS)
    assert "no database" not in report["void"]
    assert SECRET not in answer.output + report["void"]


LEAVES = """
import http.server, sys
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler)
server.handle_request()  # whether it is up
server.handle_request()  # of the run
sys.exit("out of memory")
"""


def test_what_ends_during_the_run_is_told_of() -> None:
    """Its last words are on the terminal, and in no file."""
    port = free_port()
    a_file(role="channel", url=f"http://127.0.0.1:{port}", start=[sys.executable, "-c", LEAVES, str(port)])
    answer = vgcp("certify", "--only", "SIG-005", "--out", "report")
    assert answer.exit_code == 3
    assert "`start` ended with 1 during the run" in answer.stderr
    assert "out of memory" in answer.stderr
    assert "out of memory" not in "".join(path.read_text() for path in Path("report").iterdir())


def test_somebody_elses_is_not_taken_for_what_was_to_be_started(sound: str) -> None:
    """Something answers there already: void, unless the operator says that it is his."""
    a_file(role="channel", url=sound, start=SERVE, only=["SIG-005"])
    assert "answers at" in vgcp("certify").output
    assert vgcp("certify", "--no-start").exit_code == 2
