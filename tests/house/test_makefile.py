"""The Makefile offers what the README promises."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGETS = [
    "setup",
    "demo",
    "test",
    "check",
    "serve",
    "bench",
    "bench-peers",
    "mutation",
    "torture",
    "soak",
    "flake",
    "spec",
    "examples",
    "help",
    "clean",
    "browser",
]


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run make at the root, for a moment only."""
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("target", TARGETS)
def test_target_is_there(target: str) -> None:
    """Each promised target can be built, as far as a dry run tells."""
    answer = make("--dry-run", target)
    assert answer.returncode == 0, answer.stderr


def test_help_names_every_target() -> None:
    """`make` alone lists every target with what it does."""
    listed = {line.split()[0] for line in make().stdout.splitlines() if line}
    assert listed == set(TARGETS)


def test_setup_needs_nothing_but_python() -> None:
    """With no environment yet, `make setup` only calls python3 and what it just made."""
    commands = make("--dry-run", "setup", "VENV=does-not-exist").stdout.replace("\\\n", " ").splitlines()
    programs = {re.sub(r"^(\w+=\S+\s+)*", "", line.strip()).split()[0] for line in commands if line.strip()}
    assert programs <= {"test", "echo", "touch", "does-not-exist/bin/python"}
    assert any("python3 -m venv does-not-exist" in line for line in commands)


def test_scripts_named_by_make_are_there() -> None:
    """Every script and module that a target runs is in the repository."""
    text = (ROOT / "Makefile").read_text("utf-8")
    scripts = re.findall(r"[\w./-]+\.py\b|\.ci/\w+", text)
    modules = [
        name.replace(".", "/") for name in re.findall(r"-m ((?:spec|tests|conformance)\.[\w.]+)", text)
    ]
    scripts += [f"{name}/__main__.py" if (ROOT / name).is_dir() else f"{name}.py" for name in modules]
    assert [name for name in scripts if not (ROOT / name).is_file()] == []


def test_ci_runs_what_the_readme_names() -> None:
    """`.ci/run` runs check, the tests and the demo, and lets nothing be skipped."""
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    for part in ("make check", "-m pytest", "make demo", "tests.no_skips"):
        assert part in script
    assert subprocess.run(["bash", "-n", ".ci/run"], cwd=ROOT, check=False, timeout=10).returncode == 0
