"""The recorded run of docs/one-buyer.md is what happens."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.markdown import ROOT

PAGE = ROOT / "docs" / "one-buyer.md"


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_one_buyer_over_two_channels(tmp_path: Path) -> None:
    """The story runs again, on real servers, and every recorded block of the page says what came out."""
    told = tmp_path / "one-buyer.md"
    done = subprocess.run(
        [sys.executable, str(ROOT / "demo" / "one_buyer.py"), "--write", str(told)],
        cwd=tmp_path, capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    page = PAGE.read_text("utf-8")
    assert len(re.findall(r"^```text run=", page, re.MULTILINE)) > 10
    assert told.read_text("utf-8") == page
