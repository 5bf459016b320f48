"""A channel and a gateway of another hand, in one file each, are certified; with a fault they are not."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from conformance.model import Role, Verdict
from conformance.runner import Run, Target, run

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES: dict[Role, Path] = {
    "gateway": EXAMPLES / "gateway-aiohttp" / "gateway.py",
    "channel": EXAMPLES / "channel-node" / "channel.mjs",
}
TEST_SECRET = "a-secret-of-the-sandbox"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="there is no node; `.ci/node` installs it")
ROLES = ["gateway", pytest.param("channel", marks=needs_node)]

# (role, what the stranger forgets, the text that does it, what stands there instead, what must fail)
FAULTS = [
    ("gateway", "to take what it sells", "self.room -= units", "pass", "INV-001"),
    ("gateway", "the first answer", "if (row.name, key) in call.who.answers:", "if not key:", "IDM-002"),
    ("gateway", "to sign the body", 'f"{event_id}.{seconds}.".encode() + body', "body", "SIG-003"),
    ("channel", "to look at the signature", "if (!holds || ", "if (", "SIG-006"),
    (
        "channel",
        "the key of the intent",
        "['idempotency-key'] = key",
        "['idempotency-key'] = hex(9)",
        "IDM-008",
    ),
    ("channel", "what is newer", "return false;", "return true;", "EVT-014"),
]


@contextmanager
def stranger(
    role: Role, folder: Path, old: str = "", new: str = "", secret: str = TEST_SECRET
) -> Iterator[str]:
    """The origin of a stranger whose one file, with `old` replaced, runs in this folder as a process of its own."""
    text = FILES[role].read_text("utf-8")
    assert not old or text.count(old) == 1, f"{old!r} stands {text.count(old)} times in it"
    copy = folder / FILES[role].name
    copy.write_text(text.replace(old, new) if old else text, "utf-8")
    program = [sys.executable, "-I"] if role == "gateway" else [NODE or "node"]
    command = [*program, str(copy), "--port", "0", *(["--test-secret", secret] if secret else [])]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            said = process.stdout.readline() if process.stdout else ""
            found = re.fullmatch(rf"{role}: (http://127\.0\.0\.1:\d+)\n", said)
            assert found, f"it says {said!r}, not where it is: {(folder / 'log').read_text('utf-8')}"
            yield found[1]
        finally:
            process.terminate()
            process.wait(timeout=10)


async def certify(role: Role, folder: Path, *only: str, old: str = "", new: str = "") -> Run:
    """Certify a stranger for the core profile; `only` these requirements when there are any."""
    with stranger(role, folder, old, new) as url:
        return await run(Target(role, url, TEST_SECRET, profile="core"), only)


@pytest.mark.parametrize("role", ROLES)
async def test_a_stranger_is_certified(role: Role, tmp_path: Path) -> None:
    """Every check of the core passes, or is about a capability that it need not have, within 20 seconds."""
    result = await certify(role, tmp_path)
    flaws = [f for f in result.findings if f.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE)]
    assert [(f.check.id, f.verdict.value, f.message) for f in flaws] == []
    assert (result.verdict, result.void) == ("certified", "")
    assert result.count(Verdict.PASS) > {"gateway": 150, "channel": 50}[role]
    assert result.seconds < 20


@pytest.mark.parametrize(
    ("role", "old", "new", "fails"),
    [
        pytest.param(
            role, old, new, fails, id=f"{role} forgets {what}", marks=needs_node if role == "channel" else ()
        )
        for role, what, old, new, fails in FAULTS
    ],
)
async def test_a_faulty_stranger_fails(role: Role, old: str, new: str, fails: str, tmp_path: Path) -> None:
    """With one fault in its text it fails on the requirement that the fault is about."""
    result = await certify(role, tmp_path, fails, old=old, new=new)
    judged = {f.check.requirement: f.verdict for f in result.findings if f.verdict is not Verdict.DISABLED}
    assert judged == {fails: Verdict.FAIL}
    assert (result.verdict, result.void) == ("failed", "")


def test_the_gateway_knows_nothing_of_ours() -> None:
    """It imports aiohttp, three libraries for keys, tokens and schemas, and what Python has."""
    tree = ast.parse(FILES["gateway"].read_text("utf-8"))
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "." for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    foreign = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
    assert foreign == {"aiohttp", "cryptography", "joserfc", "jsonschema_rs"}


def test_the_channel_depends_on_nothing() -> None:
    """It imports modules of Node.js only, and there is no list of packages beside it."""
    text = FILES["channel"].read_text("utf-8")
    imported = re.findall(r"^import .* from '([^']+)';$", text, re.MULTILINE)
    assert imported
    assert len(imported) == len(re.findall(r"\bimport\b|\brequire\(", text))
    assert all(name.startswith("node:") for name in imported)
    assert {path.name for path in FILES["channel"].parent.iterdir()} <= {"channel.mjs", "README.md"}


@pytest.mark.parametrize("role", ROLES)
async def test_a_stranger_in_production_has_no_test_control(role: Role, tmp_path: Path) -> None:
    """Without a test secret it says that it is no sandbox, and test control is not there."""
    with stranger(role, tmp_path, secret="") as url:
        async with aiohttp.ClientSession(headers={"VGCP-Test-Secret": ""}) as http:
            discovery = await (await http.get(f"{url}/.well-known/vgcp")).json()
            reset = await http.post(f"{url}/vgcp/v1/test/reset", json={})
    assert discovery["sandbox"] is False
    assert "test_control" not in {capability["name"] for capability in discovery["capabilities"]}
    assert reset.status == 404
