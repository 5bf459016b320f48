"""The shop is certified by the suite, with each signature scheme and for each profile that it lists."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from reference_channels.kit.retry import Policy
from reference_channels.trade.protocol import PROFILES
from reference_channels.trade.settings import SCHEMES
from tests.reference_channels.conftest import TEST_SECRET, running_shop


@pytest.mark.parametrize(
    ("scheme", "profile"), [*((scheme, "") for scheme in SCHEMES), *((SCHEMES[0], each) for each in PROFILES)]
)
async def test_the_shop_is_certified(tmp_path: Path, scheme: str, profile: str) -> None:
    """`vgcp certify channel` ends with 0, and nothing failed or stayed unverified."""
    wanted = ["--profile", profile] if profile else []
    async with running_shop(tmp_path / "shop", None, signature_scheme=scheme, policy=Policy()) as shop:
        suite = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "spec.cli", "certify", "channel", shop.url, "--test-secret", TEST_SECRET, "--json",
            *wanted, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        output, _ = await suite.communicate()
    report = json.loads(output)
    assert suite.returncode == 0, [each for each in report["results"] if each["outcome"] != "pass"]
