"""`vgcp certify init`: asks, looks, and writes a file that certifies."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance.config import load
from spec.cli import main
from tests.conformance.standing import SECRET


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder, with the secret."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VGCP_TEST_SECRET", SECRET)


def init(*words: str, answers: str | None = None) -> Result:
    """Run the command; `answers` are typed."""
    return CliRunner().invoke(main, ["certify", "init", *words], input=answers)


def test_what_is_found_is_taken_and_certifies(sound: str) -> None:
    """Nothing is asked with --yes; the file is complete."""
    answer = init("--yes", "--url", sound)
    assert answer.exit_code == 0, answer.output
    assert "Found 'Mini channel': channel, profiles core, identity, ownership." in answer.output
    assert load(Path("vgcp.toml")) == {
        "role": "channel",
        "url": sound,
        "test_secret_env": "VGCP_TEST_SECRET",
        "profile": "core,identity,ownership",
        "out": str(Path.cwd() / "certification"),
    }
    assert CliRunner().invoke(main, ["certify", "--only", "SIG-005"]).exit_code == 2
    assert Path("certification/report.html").is_file()


def test_what_is_asked_is_answered_with_what_was_found() -> None:
    """Nobody is there: usual answers are proposed, others taken, quotes and all, a wrong one asked again."""
    answers = 'http://127.0.0.1:1/\ngateway\ngold\nownership, identity\nMY_SECRET\nrun "it all"\n'
    answer = init(answers=answers)
    assert answer.exit_code == 0, answer.output
    assert "Nothing that speaks VGCP answers at http://127.0.0.1:1 now" in answer.output
    assert "export MY_SECRET" in answer.output
    said = load(Path("vgcp.toml"))
    assert "must be one of core, identity, ownership, offline, or several" in answer.output
    assert (said["role"], said["url"]) == ("gateway", "http://127.0.0.1:1")
    assert said["profile"] == "identity,ownership"
    assert (said["test_secret_env"], said["start"]) == ("MY_SECRET", ("run", "it all"))


def test_a_file_is_never_replaced(sound: str) -> None:
    """It stays as it is."""
    Path("vgcp.toml").write_text("mine")
    answer = init("--yes", "--url", sound)
    assert (answer.exit_code, Path("vgcp.toml").read_text()) == (64, "mine")


@pytest.mark.parametrize(
    "words", [("--url", "localhost"), ("--test-secret-env", "s3cret!"), ("--profile", "gold")]
)
def test_what_the_file_could_not_say_is_refused(words: tuple[str, ...]) -> None:
    """Nothing is written."""
    assert init("--yes", *words).exit_code == 64
    assert not Path("vgcp.toml").exists()
