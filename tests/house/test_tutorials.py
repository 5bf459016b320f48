"""What the guides tell people to type really works, against a real gateway."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.gateway import RunningGateway, subprocess_gateway
from tests.house.markdown import ROOT, snippets


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
        command = [sys.executable, "-m", "spec.cli", "gateway", *words]
        answer = subprocess.run(
            command,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr


def test_vendor_gets_credentials_by_curl(tmp_path: Path, sandbox: RunningGateway) -> None:
    """The vendors' curl command, as printed, answers with credentials."""
    (code,) = (code for code in guide("vendors.md", "sh") if "/vgcp/v1/test/clients" in code)
    command = code[code.index("curl") :]
    assert '"client_secret"' in run(["bash", "-c", command], tmp_path, sandbox)
