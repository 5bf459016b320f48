"""`vgcp judge` gives a run's verdict again, offline, and is not fooled by half a transcript."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from conformance import record
from conformance.commands.judge import judge
from conformance.report import write
from conformance.runner import Run


@pytest.fixture
def folder(channel_run: Run, tmp_path: Path) -> Path:
    """The files of a run."""
    write(channel_run, tmp_path / "run")
    return tmp_path / "run"


def vgcp_judge(*words: str | Path) -> Result:
    """Run the command."""
    return CliRunner().invoke(judge, [str(word) for word in words])


def test_the_same_files_again(full_run: Run, tmp_path: Path) -> None:
    """report.json and all the others are byte for byte those that the run wrote."""
    folder = tmp_path / "run"
    write(full_run, folder)
    again = vgcp_judge(folder / "transcript.jsonl", "--out", tmp_path / "again")
    assert (again.exit_code, "CERTIFIED" in again.output) == (0, True)
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_json_prints_the_report(folder: Path) -> None:
    """And nothing else."""
    again = vgcp_judge(folder / "transcript.jsonl", "--json")
    assert again.output == (folder / "report.json").read_text("utf-8")


def test_a_cut_transcript_is_void(folder: Path) -> None:
    """Exit code 3, and why."""
    path = folder / "transcript.jsonl"
    path.write_bytes(path.read_bytes()[:-200])
    again = vgcp_judge(path)
    assert again.exit_code == 3
    assert "cut or damaged" in again.stderr


def test_another_suite_is_named(folder: Path) -> None:
    """A transcript of another version is judged, with a note that the verdict may be another."""
    path = folder / "transcript.jsonl"
    lines = path.read_text("utf-8").splitlines()
    first = json.loads(lines[0])
    assert vgcp_judge(path).stderr == ""
    read = record.parse(path.read_text("utf-8"))
    read.head["suite"] = first["suite"] | {"digest": "0" * 64}
    path.write_text(record.text(read), "utf-8")
    assert "another version" in vgcp_judge(path).stderr
