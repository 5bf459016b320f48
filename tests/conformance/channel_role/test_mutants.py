"""Every wrong channel fails on its own requirement, and for nothing else."""

from __future__ import annotations

import asyncio

import pytest

from conformance.mini_channel import MiniChannel
from conformance.model import REGISTRY, Verdict
from conformance.mutants import Mutant
from conformance.mutants.channel import MUTANTS
from conformance.runner import Run, Target, load, run

SECRET = "only-for-tests"
FLOCK = 4  # mutants certified side by side; most of a run is waiting
FLOCKS = [MUTANTS[start : start + FLOCK] for start in range(0, len(MUTANTS), FLOCK)]
# Inconclusive is not among them: a machine that is too busy to tell pauses apart is no fault of anybody.
OPEN = (Verdict.FAIL, Verdict.WARN, Verdict.HARNESS_ERROR)


async def certify(mutant: Mutant) -> Run:
    """Certify the mini channel with this fault."""
    async with MiniChannel(SECRET, mutant.name, mutant.scheme) as channel:
        return await run(Target("channel", channel.url, SECRET))


@pytest.mark.parametrize("flock", FLOCKS, ids=lambda flock: f"{flock[0].name}…{flock[-1].name}")
async def test_mutants_fail_for_their_reason_only(flock: tuple[Mutant, ...]) -> None:
    """The failed requirements are exactly those expected; nothing is a fault of the suite."""
    for mutant, result in zip(flock, await asyncio.gather(*map(certify, flock)), strict=True):
        found = {(f.check.requirement, f.verdict.value) for f in result.findings if f.verdict in OPEN}
        said = [(f.check.id, f.message) for f in result.findings if f.verdict in OPEN]
        assert found == {(i, mutant.verdict) for i in mutant.fails}, (mutant.name, said)
        assert not result.void, (mutant.name, result.void)
        assert result.verdict != "certified" or mutant.verdict == "warn", mutant.name


def test_every_checked_requirement_has_a_mutant() -> None:
    """No check without a wrong channel that it catches."""
    load("channel")
    caught = {requirement for mutant in MUTANTS for requirement in mutant.fails}
    assert caught == {entry.requirement for entry in REGISTRY.of("channel")}
    assert len({mutant.name for mutant in MUTANTS}) >= 12
