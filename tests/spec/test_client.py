"""A Python client is generated from the code-generation documents, type-checks, and buys from a real gateway."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from spec.loader import FOLDER
from tests.fixtures.gateway import subprocess_gateway

PURCHASE = Path(__file__).with_name("purchase.py")
CODE = "GEN-7Q2M-94KD"

# Everything a later minor version of the standard may do to an answer: new members, new values of open enums.
EVOLVED = """
import json, sys
from vgcp_gateway.models import Event, Order
data = json.load(sys.stdin)
order = Order.from_dict(data | {"status": "on_hold_by_bank", "gift": {"wrap": True}})
assert order.status == "on_hold_by_bank" and order["gift"] == {"wrap": True}
print(json.dumps(order.to_dict()["status"]))
"""

# A media type that a generator does not know is named to it, as any vendor would.
CONFIG = """\
post_hooks: []
content_type_overrides:
  application/statuslist+jwt: text/plain
  application/zip: application/octet-stream
"""


def run(command: list[str], folder: Path, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command with the folder's packages importable, and nothing of this repository."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        command, cwd=folder, input=text, capture_output=True, text=True, timeout=100, check=False,
        env=kept | {"PYTHONPATH": str(folder), "MYPY_CACHE_DIR": str(folder / ".mypy_cache")},
    )  # fmt: skip


def script(name: str) -> str:
    """A console script of this environment."""
    return str(Path(sys.executable).with_name(name))


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages vgcp_gateway and vgcp_channel, generated; the generator warns of nothing."""
    folder = tmp_path_factory.mktemp("clients")
    (folder / "config.yaml").write_text(CONFIG, "utf-8")
    for role in ("gateway", "channel"):
        source = FOLDER / "dist" / f"{role}.codegen.json"
        command = [script("openapi-python-client"), "generate", "--path", str(source), "--fail-on-warning"]
        command += ["--config", "config.yaml", "--meta", "none", "--output-path", f"vgcp_{role}"]
        result = run(command, folder)
        assert result.returncode == 0, result.stdout + result.stderr
    return folder


@pytest.mark.slow
def test_generated_clients_type_check(clients: Path) -> None:
    """mypy --strict finds nothing in both generated clients, nor in the program that buys with one of them."""
    (clients / "purchase.py").write_text(PURCHASE.read_text("utf-8"), "utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull]
    result = run([*command, "vgcp_gateway", "vgcp_channel", "purchase.py"], clients)
    assert result.returncode == 0, result.stdout
    (clients / "wrong.py").write_text(
        "from vgcp_gateway.models import Money\nprint(Money(amount='1'))\n", "utf-8"
    )
    assert run([*command, "wrong.py"], clients).returncode == 1


@pytest.mark.slow
def test_a_generated_client_buys(clients: Path, tmp_path: Path) -> None:
    """The generated client holds, orders and opens the goods at a real gateway, and reads refusals as problems."""
    with subprocess_gateway(None, tmp_path) as gateway:
        command = [sys.executable, str(PURCHASE), gateway.url, gateway.test_secret, CODE]
        result = run(command, clients)
    assert result.returncode == 0, result.stdout + result.stderr
    assert json.loads(result.stdout) == {
        "order": "fulfilled",
        "found": [True],
        "hold": "consumed",
        "code": CODE,
        "refused": ["out_of_stock", "reference_in_use"],
    }


def test_an_older_client_takes_a_newer_answer(clients: Path) -> None:
    """Values and members that came later do not break a client that was generated before (CNV-001, CNV-002)."""
    order = (FOLDER / "examples" / "Order" / "fulfilled.json").read_text("utf-8")
    result = run([sys.executable, "-c", EVOLVED], clients, order)
    assert (result.returncode, result.stdout) == (0, '"on_hold_by_bank"\n'), result.stderr
