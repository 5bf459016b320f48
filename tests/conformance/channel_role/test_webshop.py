"""The reference shop is certified, with no gateway running but the one that the suite plays."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.driver.signer import RFC9421, STANDARD
from conformance.model import Verdict
from conformance.runner import Target, run
from reference_channels.kit.retry import Policy
from tests.reference_channels.conftest import TEST_SECRET, running_shop


@pytest.mark.parametrize("scheme", [STANDARD, RFC9421])
async def test_the_web_shop_is_certified(scheme: str, tmp_path: Path) -> None:
    """Every check passes, in both signature schemes, with the shop's own patience."""
    options = {"signature_scheme": scheme, "policy": Policy(), "worker_pause": 1.0}
    async with running_shop(tmp_path, None, **options) as shop:
        result = await run(Target("channel", shop.url, TEST_SECRET))
    assert [
        (f.check.id, f.verdict, f.message) for f in result.findings if f.verdict is not Verdict.PASS
    ] == []
    assert result.verdict == "certified"
