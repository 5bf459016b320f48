"""`vgcp certify channel`, as a vendor runs it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from conformance.runner import checks_of
from reference_channels.trade.protocol import PROFILES
from tests.reference_channels.conftest import TEST_SECRET


async def certify(url: str) -> list[dict[str, Any]]:
    """What did not pass, of all that every profile asks. The command ends with 0 only when that is nothing."""
    suite = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "spec.cli", "certify", "channel", url, "--test-secret", TEST_SECRET, "--json",
        stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    output, _ = await suite.communicate()
    report = json.loads(output)
    assert (suite.returncode == 0) is (report["verdict"] == "certified")
    # With a profile the suite judges some of these checks, and in the same way: no need to drive them again.
    asked = {check.id for profile in PROFILES for check in checks_of("channel", profile)}
    assert asked <= {each["check"] for each in report["findings"]}
    return [each for each in report["findings"] if each["verdict"] != "pass"]
