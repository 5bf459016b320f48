"""The reference gateway, run as its operator runs it, is certified on both databases."""

from __future__ import annotations

from pathlib import Path

from conformance.model import Verdict
from conformance.runner import Run, Target, run
from tests.fixtures.gateway import RunningGateway, subprocess_gateway


async def certify(gateway: RunningGateway) -> Run:
    """Certify a running gateway."""
    return await run(Target("gateway", gateway.url, gateway.test_secret))


def flaws(result: Run) -> list[tuple[str, str, str]]:
    """Every check that did not pass, and why."""
    return [
        (f.check.id, f.verdict.value, f.message) for f in result.findings if f.verdict is not Verdict.PASS
    ]


async def test_the_reference_gateway_is_certified_and_again(database_url: str, tmp_path: Path) -> None:
    """Every check passes on SQLite and on PostgreSQL.

    A second certification, on one of them, meets the clock that the first advanced, and all that it left behind.
    """
    with subprocess_gateway(database_url, tmp_path, fresh=True) as gateway:
        for _ in range(2 if database_url.startswith("sqlite") else 1):
            result = await certify(gateway)
            assert flaws(result) == []
            assert (result.verdict, result.exit_code) == ("certified", 0)
