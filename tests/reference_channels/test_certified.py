"""The shop is certified by the suite, with each signature scheme, for the profiles that it lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from reference_channels.kit.retry import Policy
from reference_channels.trade.settings import SCHEMES
from tests.reference_channels.certifying import certify
from tests.reference_channels.conftest import running_shop


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_the_shop_is_certified(tmp_path: Path, scheme: str) -> None:
    """`vgcp certify channel` ends with 0, and nothing failed or stayed unverified."""
    async with running_shop(tmp_path / "shop", None, signature_scheme=scheme, policy=Policy()) as shop:
        assert await certify(shop.url) == []
