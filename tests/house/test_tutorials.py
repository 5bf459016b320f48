"""What the guides tell people to type really works, against a real gateway."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.forked import vgcp
from tests.fixtures.gateway import RunningGateway, subprocess_gateway
from tests.house.markdown import ROOT, snippets
from tests.http.owning import buy, certificate


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A gateway as `vgcp gateway serve --sandbox` starts it."""
    with subprocess_gateway(None, tmp_path_factory.mktemp("tutorial")) as running:
        yield running


def guide(name: str, language: str) -> list[str]:
    """The pieces of code of a guide in one language."""
    return [snippet.code for snippet in snippets(ROOT / "docs" / name) if snippet.language == language]


def run(command: list[str], folder: Path, gateway: RunningGateway) -> str:
    """Run a command in an empty folder with what the guide exports, demand success, give its output."""
    environment = {**os.environ, "GATEWAY": gateway.url, "TEST_SECRET": gateway.test_secret}
    answer = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def test_first_purchase_in_plain_python(tmp_path: Path, sandbox: RunningGateway) -> None:
    """The integrators' program, as printed, buys and opens a code."""
    (program,) = (code for code in guide("integrators.md", "python") if "urllib.request" in code)
    (tmp_path / "first_purchase.py").write_text(program, "utf-8")
    output = run([sys.executable, "-W", "error", "first_purchase.py"], tmp_path, sandbox)
    assert "fulfilled" in output
    assert "the code has 17 characters" in output


def test_first_purchase_with_a_generated_client(tmp_path: Path, sandbox: RunningGateway) -> None:
    """The client that the guide generates makes the guide's purchase."""
    document = ROOT / "spec" / "dist" / "gateway.codegen.json"
    generator = str(Path(sys.executable).with_name("openapi-python-client"))
    run([generator, "generate", "--path", str(document), "--output-path", "client"], tmp_path, sandbox)
    (program,) = (code for code in guide("integrators.md", "python") if "vgcp_gateway_client" in code)
    (tmp_path / "client" / "first_purchase.py").write_text(program, "utf-8")
    output = run([sys.executable, "first_purchase.py"], tmp_path / "client", sandbox)
    assert "fulfilled 2500" in output
    assert "the code has 16 characters" in output


@pytest.mark.parametrize("language", ["csv", "yaml"])
def test_merchant_imports_a_catalogue(tmp_path: Path, language: str) -> None:
    """The merchants' catalogues, as printed, are imported, and the books balance."""
    catalogue = guide("merchants.md", language)[0]
    (tmp_path / f"catalogue.{language}").write_text(catalogue, "utf-8")
    (tmp_path / "starfall.txt").write_text("AAAA-1\nAAAA-2\n", "utf-8")
    for words in (["migrate"], ["import", f"catalogue.{language}"], ["stock", "--low"], ["audit"]):
        code, said = vgcp(["gateway", *words], tmp_path, os.environ)
        assert code == 0, said


def test_vendor_gets_credentials_by_curl(tmp_path: Path, sandbox: RunningGateway) -> None:
    """The vendors' curl command, as printed, answers with credentials."""
    (code,) = (code for code in guide("vendors.md", "sh") if "/vgcp/v1/test/clients" in code)
    command = code[code.index("curl") :]
    assert '"client_secret"' in run(["bash", "-c", command], tmp_path, sandbox)


def hour() -> list[tuple[str, int]]:
    """The commands of the vendors' hour, in order, each piece with the exit code that the guide gives it."""
    text = (ROOT / "docs" / "vendors.md").read_text("utf-8")
    section = text[text.index("## From nothing to certified") : text.index("\n## What a channel is")]
    found = re.finditer(
        r"^```sh(?: exits=(?P<code>\d+))?\n(?P<script>.*?)^```$", section, re.MULTILINE | re.DOTALL
    )
    return [(match["script"], int(match["code"] or 0)) for match in found]


def free_port() -> str:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return str(found.getsockname()[1])


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js")
def test_vendor_begins_with_a_channel_in_one_file(tmp_path: Path) -> None:
    """The file's settings, as printed, start the example beside it, drive it and stop it."""
    (settings,) = guide("vendors.md", "toml")
    (tmp_path / "vgcp.toml").write_text(settings.replace("8081", free_port()))
    shutil.copy(ROOT / "examples" / "channel-node" / "channel.mjs", tmp_path)
    answer = subprocess.run(
        [sys.executable, "-m", "spec.cli", "certify", "--only", "SIG-006", "--json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "VGCP_TEST_SECRET": "only-for-tests"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert answer.returncode == 2, answer.stdout + answer.stderr
    assert json.loads(answer.stdout)["counts"]["pass"] == 1


def ownership_pieces() -> tuple[str, str, str]:
    """The holder's guide: make a key, present, verify; as words of bash that run this repository's command."""
    text = (ROOT / "docs" / "ownership.md").read_text("utf-8")
    section = text[text.index("## Show it") : text.index("\n## The life of")]
    make, present, verify = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return make, present, verify


async def test_holder_shows_a_certificate(tmp_path: Path, sandbox: RunningGateway) -> None:
    """Every step as printed, the test being the shop: it holds; with another key or another nonce it does not."""
    shop, words = await sandbox.channel("shop"), 'vgcp() { "$PYTHON" -m spec.cli "$@"; }; '

    def typed(script: str, code: int = 0) -> str:
        answer = subprocess.run(
            ["bash", "-c", words + script.replace("https://gateway.shop.example", sandbox.url)],
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHON": sys.executable},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert answer.returncode == code, answer.stdout + answer.stderr
        return answer.stdout + answer.stderr

    make, present, verify = ownership_pieces()
    public = json.loads(typed(make).splitlines()[0])
    bought = await buy(shop, await sandbox.offer())
    issued = await certificate(shop, bought["id"], holder_key=public)
    (tmp_path / "certificate.txt").write_text(issued)
    typed(present)
    said = typed(verify)
    assert said.startswith("It holds.")
    assert ("product_name: A game" in said, "price" in said) == (True, False)
    assert "shown by its holder: proven" in said
    assert "the proof of its holder does not hold" in typed(verify.replace("n-42", "n-43"), code=1)
    typed(make.replace("holder", "another"))
    assert "another key" in typed(present.replace("holder.jwk", "another.jwk"), code=1)
    said += typed(
        "vgcp ownership present certificate.txt --show product_name --key holder.jwk --nonce n --audience x"
    )
    assert json.loads((tmp_path / "holder.jwk").read_text())["d"] not in said


@pytest.mark.slow
@pytest.mark.timeout(300)  # two full runs and a dozen commands, on whatever machine this is
def test_vendor_is_certified_in_an_hour(tmp_path: Path) -> None:
    """Every command as printed, from `init` over a failure to certified; only the port is one that is free here.

    What is installed is installed here already: `pip` does nothing.
    """
    port = free_port()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pip").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "pip").chmod(0o755)
    path = f"{tmp_path / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VGCP_")}
    environment = {**kept, "PATH": path, "VGCP_TEST_SECRET": "the-same-in-every-piece"}
    said = ""
    for script, code in hour():
        answer = subprocess.run(
            ["bash", "-e", "-c", script.replace("8082", port)],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        said += answer.stdout + answer.stderr
        assert answer.returncode == code, script + answer.stdout + answer.stderr
    for told in (
        "1. SIG-008 an event was taken",
        "to fix it",
        "CERTIFIED",
        "CLAIM",
        "SIG-008 fail -> pass",
        "passed",
    ):
        assert told in said, told
    report = json.loads((tmp_path / "certification" / "report.json").read_text())
    assert (report["counts"]["pass"], report["baseline"]["exit_code"]) == (1, 0)
    assert "certified" in (tmp_path / "badge.svg").read_text()
