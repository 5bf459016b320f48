"""Suppliers from the merchant's file: built in, and by adapters that somebody else has written."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from gateway.core.suppliers import SupplyRequest
from gateway.suppliers import make_suppliers, read_suppliers
from tests.fixtures.supplier import SECRET

THEIRS = """
from gateway.core.suppliers import Made, Unknown

class Theirs:
    def __init__(self, greeting):
        self.greeting = greeting
    async def make(self, request):
        return Made(f"{self.greeting} {request.id}")
    async def status(self, request):
        return Unknown()

def make(session, options):
    return Theirs(options["greeting"])
"""


def installed(folder: Path) -> None:
    """An adapter as a distribution of its own."""
    info = folder / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vgcp.suppliers]\ntheirs = theirs_of_a_test:make\n")
    (folder / "theirs_of_a_test.py").write_text(THEIRS)


async def test_an_adapter_of_somebody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """It is found by its entry point, gets its options, and makes goods."""
    installed(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    request.addfinalizer(lambda: sys.modules.pop("theirs_of_a_test", None))
    async with aiohttp.ClientSession() as session:
        made = make_suppliers(session, {"x": {"adapter": "theirs", "greeting": "Hello"}})
    wish = SupplyRequest("sup_1", "code", "prd_1", 1, "00-0-0-01", datetime.now(UTC), {"account": "anna"})
    answer = await made["x"].make(wish)
    assert getattr(answer, "goods", None) == "Hello sup_1"
    assert "Hello" not in repr(answer)
    assert "anna" not in repr(wish)


def test_secrets_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`secret_env` names a variable; both forms give the same options."""
    monkeypatch.setenv("ACME_SECRET", SECRET)
    file = tmp_path / "suppliers.yaml"
    file.write_text("suppliers:\n  acme: {url: 'https://x.example', secret_env: ACME_SECRET}\n")
    assert read_suppliers(file) == {"acme": {"url": "https://x.example", "secret": SECRET}}
