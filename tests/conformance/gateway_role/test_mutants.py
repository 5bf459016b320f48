"""Every wrong gateway fails on its own requirement, and for nothing else.

Each mutant is driven through the scenarios that feed its requirement, and everything that those scenarios allow to
judge is judged. A sample is certified in full; VGCP_ALL_MUTANTS=1 in the environment does so with all of them.
"""

from __future__ import annotations

import asyncio
import os

import pytest

from conformance import runner, timing
from conformance.mini_gateway import MiniGateway
from conformance.model import REGISTRY, Verdict
from conformance.mutants import Mutant
from conformance.mutants.gateway import MUTANTS
from conformance.runner import Run, Target

FLOCK = 12  # mutants side by side; much of a run is waiting
FLOCKS = [MUTANTS[start : start + FLOCK] for start in range(0, len(MUTANTS), FLOCK)]
SAMPLE = MUTANTS if os.environ.get("VGCP_ALL_MUTANTS") else MUTANTS[::12]
IN_FULL = [SAMPLE[start : start + 6] for start in range(0, len(SAMPLE), 6)]
OPEN = (Verdict.FAIL, Verdict.WARN, Verdict.INCONCLUSIVE, Verdict.HARNESS_ERROR)


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mini gateway posts events at once, so the suite need not wait for long for what never comes."""
    monkeypatch.setattr(timing, "EVENT_PATIENCE", 3.0)


def related(mutant: Mutant) -> list[str]:
    """The checks that the scenarios of the mutant's requirement allow to judge."""
    runner.load("gateway")
    checks = REGISTRY.of("gateway")
    driven = {name for entry in checks if entry.requirement in mutant.fails for name in entry.scenarios}
    return [entry.id for entry in checks if driven >= set(entry.scenarios)]


async def certify(mutant: Mutant, only: list[str], pause: float = 0.5) -> Run:
    """Certify the mini gateway with this fault, in full when `only` is empty.

    `pause` before the first retry must stand out from how long a busy machine takes, or EVT-007 sees no growth.
    """
    async with MiniGateway(mutant.name, retry_pause=pause) as gateway:
        return await runner.run(Target("gateway", gateway.url, gateway.test_secret), only)


def fails_for_its_reason(mutant: Mutant, result: Run) -> None:
    """The failed requirements are exactly those expected; nothing is inconclusive or a fault of the suite."""
    found = {(f.check.requirement, f.verdict.value) for f in result.findings if f.verdict in OPEN}
    said = [(f.check.id, f.message) for f in result.findings if f.verdict in OPEN]
    assert found == {(i, mutant.verdict) for i in mutant.fails}, (mutant.name, said)
    assert not result.void, (mutant.name, result.void)
    assert result.verdict == ("failed" if mutant.verdict == "fail" else result.verdict), mutant.name


@pytest.mark.parametrize("flock", FLOCKS, ids=lambda flock: f"{flock[0].name}…{flock[-1].name}")
async def test_mutants_fail_for_their_reason_only(flock: tuple[Mutant, ...]) -> None:
    """In the scenarios of its requirement, a mutant fails on exactly that."""
    results = await asyncio.gather(*(certify(mutant, related(mutant)) for mutant in flock))
    for mutant, result in zip(flock, results, strict=True):
        fails_for_its_reason(mutant, result)


@pytest.mark.parametrize("flock", IN_FULL, ids=lambda flock: f"{flock[0].name}…{flock[-1].name}")
async def test_mutants_fail_nothing_else_in_full(flock: tuple[Mutant, ...]) -> None:
    """In a whole certification, a mutant fails on exactly its requirement."""
    results = await asyncio.gather(*(certify(mutant, [], 1.0) for mutant in flock))
    for mutant, result in zip(flock, results, strict=True):
        fails_for_its_reason(mutant, result)


def test_every_checked_requirement_has_a_mutant() -> None:
    """No check without a wrong gateway that it catches."""
    runner.load("gateway")
    caught = {requirement for mutant in MUTANTS for requirement in mutant.fails}
    assert caught == {entry.requirement for entry in REGISTRY.of("gateway")}
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 12
