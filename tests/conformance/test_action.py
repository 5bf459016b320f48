"""The GitHub Action: its steps, as GitHub would run them, with what is around them stood in for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance.standing import SECRET

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
EXPRESSION = re.compile(r"\$\{\{\s*(\S+?)\s*\}\}")

# Stands in for the job's Python: makes an environment whose pip notes what it is asked for, and whose vgcp is ours.
PYTHON = """#!/bin/sh
[ "$1 $2" = "-m venv" ] || exit 9
mkdir -p "$3/bin"
printf '#!/bin/sh\\n[ "$2" = pip ] && echo "$@" > "{pip}" && exit 0\\nexec "{python}" "$@"\\n' > "$3/bin/python"
chmod +x "$3/bin/python"
ln -s "{vgcp}" "$3/bin/vgcp"
"""


class Job:
    """A job that uses the action with these inputs."""

    def __init__(self, folder: Path, **given: str) -> None:
        self.folder = folder
        inputs = {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()}
        inputs |= {name.replace("_", "-"): value for name, value in given.items()}
        assert inputs.keys() == ACTION["inputs"].keys()
        self.values = {f"inputs.{name}": value for name, value in inputs.items()}
        self.values["github.action_path"] = str(ROOT)
        real = Path(sys.executable)
        stub = folder / "bin" / "python"
        stub.parent.mkdir()
        stub.write_text(PYTHON.format(pip=folder / "pip", python=real, vgcp=real.parent / "vgcp"))
        stub.chmod(0o755)

    def run(self) -> list[int]:
        """Run the steps that have a script, each whose condition holds; their exit codes."""
        return [self.step(step) for step in STEPS if "run" in step and self.wanted(step)]

    def wanted(self, step: dict[str, Any]) -> bool:
        """Whether GitHub would run the step: by default only after success, else by the one condition we use."""
        if "if" not in step:
            return True
        assert step["if"] == "always() && steps.certify.outputs.verdict != ''"
        return bool(self.outputs().get("verdict"))

    def step(self, step: dict[str, Any]) -> int:
        """Run one script with bash as GitHub does."""
        own = {name: self.filled(str(value)) for name, value in step.get("env", {}).items()}
        places = {"RUNNER_TEMP": self.folder, "GITHUB_OUTPUT": self.folder / "outputs"}
        places["GITHUB_STEP_SUMMARY"] = self.folder / "summary"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("VGCP_")}
        kept["PATH"] = f"{self.folder / 'bin'}:{kept['PATH']}"
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.folder / self.filled(step.get("working-directory", ".")),
            env={**kept, **own, **{name: str(path) for name, path in places.items()}},
            timeout=60,
            check=False,
        ).returncode

    def filled(self, text: str) -> str:
        """The text with its expressions replaced."""
        return EXPRESSION.sub(lambda match: self.values[match[1]], text)

    def outputs(self) -> dict[str, str]:
        """What the steps have put out."""
        path = self.folder / "outputs"
        return dict(line.split("=", 1) for line in path.read_text().splitlines()) if path.exists() else {}


def test_a_failed_certification_fails_the_step_and_is_summarised(tmp_path: Path, expired: str) -> None:
    """The suite is installed from the action's own files; the summary is written although the step has failed."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "vgcp.toml").write_text('only = ["SIG-008"]\n')
    job = Job(tmp_path, role="channel", url=expired, test_secret=SECRET, working_directory="shop")
    assert job.run() == [0, 1, 0]
    pip = (tmp_path / "pip").read_text()
    assert f"--constraint {ROOT}/constraints.txt {ROOT}[conformance]" in pip
    assert job.outputs() == {"exit-code": "1", "verdict": "failed"}
    assert "SIG-008" in (tmp_path / "summary").read_text()
    assert (tmp_path / "shop" / "certification" / "report.html").is_file()


def test_a_baseline_lets_the_step_succeed(tmp_path: Path, expired: str) -> None:
    """The verdict is told as it is."""
    (tmp_path / "vgcp.toml").write_text('only = ["SIG-008"]\n')
    known = '{"vgcp_baseline": 1, "role": "channel", "known": [{"check": "SIG-008", "verdict": "fail"}]}'
    (tmp_path / "known.json").write_text(known)
    job = Job(tmp_path, role="channel", url=expired, test_secret=SECRET, baseline="known.json")
    assert job.run() == [0, 0, 0]
    assert job.outputs() == {"exit-code": "0", "verdict": "failed"}


def test_wrong_use_fails_without_a_summary(tmp_path: Path) -> None:
    """No role: nothing is run, so there is nothing to summarise or to keep."""
    job = Job(tmp_path, test_secret=SECRET)
    assert job.run() == [0, 64]
    assert job.outputs() == {"exit-code": "64"}


@pytest.mark.parametrize("step", STEPS, ids=lambda step: str(step["name"]))
def test_no_input_is_pasted_into_a_script(step: dict[str, Any]) -> None:
    """Inputs come as environment variables, so that none of them is read as shell; what others made has a version."""
    assert "${{" not in step.get("run", "")
    assert "run" in step or re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])


def test_what_is_put_out_is_declared() -> None:
    """The outputs are those of the step that certifies."""
    named = {name: EXPRESSION.findall(one["value"]) for name, one in ACTION["outputs"].items()}
    assert named == {name: [f"steps.certify.outputs.{name}"] for name in ("exit-code", "verdict")}
