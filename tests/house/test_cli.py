"""The console command finds its sub-commands and says what is missing."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from spec.cli import UNAVAILABLE, main


def announce(folder: Path, entry: str) -> None:
    """Make `folder` look like the place where a distribution with one command is installed."""
    info = folder / "announced-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: announced\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[vgcp.commands]\n{entry}\n")


def vgcp(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the console command with `folder` before everything else on the import path."""
    code = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); from spec.cli import main; main(prog_name='vgcp')"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_version_is_the_distributions() -> None:
    """`--version` prints the version that the metadata gives."""
    answer = CliRunner().invoke(main, ["--version"])
    assert answer.exit_code == 0
    assert answer.output.startswith("vgcp, version 0.")


def test_help_shows_examples_and_every_command() -> None:
    """`--help` lists the commands of the project and ends in examples."""
    answer = CliRunner().invoke(main, ["--help"])
    assert answer.exit_code == 0
    assert "Examples:" in answer.output
    for name in (
        "gateway",
        "stock",
        "supplies",
        "certificate",
        "certify",
        "judge",
        "mutation",
        "ownership",
        "ownership-log",
        "report",
        "requirements",
        "webshop",
        "chatbot",
    ):
        assert f"  {name} " in answer.output


def test_unknown_command_is_a_usage_error() -> None:
    """A name nobody announces is refused by click with its usual code."""
    answer = CliRunner().invoke(main, ["nothing-of-the-kind"])
    assert answer.exit_code == 2
    assert "No such command" in answer.output


def test_a_stranger_can_add_a_command(tmp_path: Path) -> None:
    """A command announced by another distribution is found and run."""
    announce(tmp_path, "greet = greeting:greet")
    (tmp_path / "greeting.py").write_text(
        "import click\n@click.command()\ndef greet():\n    click.echo('hi')\n"
    )
    answer = vgcp(tmp_path, "greet")
    assert (answer.returncode, answer.stdout) == (0, "hi\n")


@pytest.mark.parametrize("arguments", [["gateway", "serve", "--port", "1"], ["gateway", "--help"]])
def test_missing_extra_is_named(tmp_path: Path, arguments: list[str]) -> None:
    """Where a library of the extra is absent, the message says what to install, also when asked for help."""
    package = tmp_path / "gateway"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "cli.py").write_text("import a_library_that_is_absent\n")
    answer = vgcp(tmp_path, *arguments)
    assert answer.returncode == UNAVAILABLE
    assert "a_library_that_is_absent is not installed; pip install 'vgcp[gateway]'" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_missing_library_of_a_stranger_is_named(tmp_path: Path) -> None:
    """For a foreign command the library itself is named, for its extras are not known here."""
    announce(tmp_path, "greet = greeting:greet")
    (tmp_path / "greeting.py").write_text("import a_library_that_is_absent\n")
    answer = vgcp(tmp_path, "greet")
    assert answer.returncode == UNAVAILABLE
    assert "install a_library_that_is_absent" in answer.stderr


def test_what_is_no_command_is_refused(tmp_path: Path) -> None:
    """An entry point that does not name a click command is reported, not run."""
    announce(tmp_path, "greet = greeting:greet")
    (tmp_path / "greeting.py").write_text("greet = 'hello'\n")
    answer = vgcp(tmp_path, "greet")
    assert answer.returncode == UNAVAILABLE
    assert "is not a click command" in answer.stderr


def test_a_broken_package_is_reported(tmp_path: Path) -> None:
    """A package that does not import for another reason is named with that reason."""
    announce(tmp_path, "greet = greeting:greet")
    (tmp_path / "greeting.py").write_text("from click import nothing_of_the_kind\n")
    answer = vgcp(tmp_path, "greet")
    assert answer.returncode == UNAVAILABLE
    assert "its package is broken: cannot import name 'nothing_of_the_kind'" in answer.stderr


def test_one_missing_extra_does_not_break_the_help(tmp_path: Path) -> None:
    """The list of commands stays readable when one of them cannot be imported."""
    announce(tmp_path, "greet = greeting:greet")
    (tmp_path / "greeting.py").write_text("import a_library_that_is_absent\n")
    answer = vgcp(tmp_path, "--help")
    assert answer.returncode == 0
    assert "greet" in answer.stdout
    assert "not available" in answer.stdout
