"""`vgcp certify` and `vgcp requirements` as they are typed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from subprocess import PIPE

import pytest

from conformance.mini_channel import MiniChannel

SECRET = "only-for-tests"


async def vgcp(*words: str, **env: str) -> tuple[int, str, str]:
    """Run the command: (exit code, stdout, stderr)."""
    command = str(Path(sys.executable).parent / "vgcp")
    made = await asyncio.create_subprocess_exec(
        command, *words, stdout=PIPE, stderr=PIPE, env={**os.environ, **env}
    )
    out, err = await asyncio.wait_for(made.communicate(), 60)
    return made.returncode or 0, out.decode(), err.decode()


@pytest.fixture
async def channel() -> AsyncIterator[MiniChannel]:
    """A correct channel."""
    async with MiniChannel(SECRET) as running:
        yield running


async def test_a_certified_channel_exits_0(channel: MiniChannel, tmp_path: Path) -> None:
    """Progress line by line, then a summary by requirement, and where the reports are."""
    code, out, err = await vgcp(
        "certify", "channel", channel.url, "--test-secret", SECRET, "--out", str(tmp_path / "r")
    )
    assert (code, err) == (0, "")
    assert "[1/" in out
    assert "CERTIFIED" in out
    assert "SIG-006" in out
    assert {p.name for p in (tmp_path / "r").iterdir()} == {
        "report.json",
        "report.html",
        "report.md",
        "junit.xml",
        "badge.svg",
        "transcript.jsonl",
    }


async def test_a_failed_channel_exits_1_and_is_told_what_to_fix() -> None:
    """The summary names the requirement, the evidence and the remedy."""
    async with MiniChannel(SECRET, "no_time_window") as wrong:
        code, out, _ = await vgcp(
            "certify", "channel", wrong.url, "--only", "SIG-008", VGCP_TEST_SECRET=SECRET
        )
    assert code == 1
    assert "Fix first" in out
    assert "1. SIG-008 an event was taken: old" in out
    assert "FAILED" in out


async def test_a_selection_exits_2_and_prints_json(channel: MiniChannel) -> None:
    """--json prints the report and nothing else."""
    code, out, _ = await vgcp(
        "certify", "channel", channel.url, "--test-secret", SECRET, "--only", "SIG-005", "--json"
    )
    data = json.loads(out)
    assert (code, data["exit_code"], data["verdict"], data["counts"]["pass"]) == (2, 2, "partial", 1)


async def test_nobody_there_exits_3() -> None:
    """Void, with the reason."""
    code, out, _ = await vgcp(
        "certify", "channel", "http://127.0.0.1:1", "--test-secret", SECRET, "--only", "SIG-005"
    )
    assert code == 3
    assert "VOID" in out
    assert "no VGCP discovery document" in out


async def test_wrong_use_is_a_usage_error(channel: MiniChannel) -> None:
    """An unknown id, or no secret: a code that is no verdict's, with what is wrong."""
    code, _, err = await vgcp("certify", "channel", channel.url, "--test-secret", SECRET, "--only", "ABC-999")
    assert code == 64
    assert "no check of the channel role is called ABC-999" in err
    code, _, err = await vgcp("certify", "channel", channel.url, VGCP_TEST_SECRET="")
    assert code == 64
    assert "--test-secret" in err


async def test_checks_and_requirements_are_listed() -> None:
    """--list drives nothing; requirements prints the registry, as a table and as JSON."""
    code, out, _ = await vgcp("certify", "channel", "--list")
    assert code == 0
    assert "SEL-010" in out
    code, out, _ = await vgcp("requirements", "--role", "channel")
    assert code == 0
    assert "SEL-010" in out
    code, out, _ = await vgcp("requirements", "--json")
    rows = {row["id"]: row for row in json.loads(out)}
    assert rows["SEL-010"]["checks"] == ["SEL-010"]
    assert rows["SEL-010"]["mutants"] == ["channel:orders_anew"]
    assert rows["TST-008"]["excluded"]
