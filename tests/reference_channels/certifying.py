"""`vgcp certify channel`, as a vendor runs it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from tests.reference_channels.conftest import TEST_SECRET


async def certify(url: str, profile: str = "") -> list[dict[str, Any]]:
    """What did not pass, of a profile or of all. The command ends with 0 only when that is nothing."""
    wanted = ["--profile", profile] if profile else []
    suite = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "spec.cli", "certify", "channel", url, "--test-secret", TEST_SECRET, "--json",
        *wanted, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    output, _ = await suite.communicate()
    report = json.loads(output)
    assert (suite.returncode == 0) is (report["verdict"] == "certified")
    return [each for each in report["findings"] if each["verdict"] != "pass"]
