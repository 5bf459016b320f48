"""One trial: a mutant is certified, and the suite must report its fault and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass

from conformance import runner
from conformance.mini_channel import MiniChannel
from conformance.mini_gateway import MiniGateway
from conformance.model import REGISTRY, Finding, Role, Verdict
from conformance.mutants import Mutant, mutants
from conformance.runner import Run, Target

SECRET = "of-a-mutant"  # noqa: S105 - a sandbox that lives for seconds
# Seconds before a mini gateway posts an event again: it must stand out from how long a busy machine takes to answer,
# or nobody sees that the pauses grow (EVT-007).
PAUSE = 1.0
REPORTED = (Verdict.FAIL, Verdict.WARN, Verdict.HARNESS_ERROR)


@dataclass(frozen=True, slots=True)
class Trial:
    """What the suite said of a mutant. `reported` are requirements with their verdicts, `checks` what failed them."""

    role: Role
    mutant: Mutant
    reported: frozenset[tuple[str, str]]
    checks: tuple[str, ...]
    said: tuple[str, ...]
    verdict: str
    void: str
    seconds: float

    @property
    def killed(self) -> bool:
        """Whether it was reported for its reason only, and not certified (unless only a SHOULD does not hold)."""
        expected = {(requirement, self.mutant.verdict) for requirement in self.mutant.fails}
        certified = self.verdict == "certified" and self.mutant.verdict == "fail"
        return not self.void and self.reported == expected and not certified

    @property
    def why(self) -> str:
        """What is wrong with a mutant that is not killed: what was said in place of its requirement."""
        if self.void:
            return f"void: {self.void}"
        return "; ".join(self.said) or f"nothing was reported, and it is {self.verdict}"


def related(role: Role, mutant: Mutant) -> list[str]:
    """The checks that the scenarios of the mutant's requirements allow to judge."""
    runner.load(role)
    checks = REGISTRY.of(role)
    driven = {name for entry in checks if entry.requirement in mutant.fails for name in entry.scenarios}
    return [entry.id for entry in checks if driven >= set(entry.scenarios)]


async def certify(role: Role, mutant: Mutant, only: Iterable[str] = (), pause: float = PAUSE) -> Run:
    """Certify the role's mini implementation with this fault, in full when `only` is empty."""
    if role == "gateway":
        async with MiniGateway(mutant.name, retry_pause=pause) as gateway:
            return await runner.run(Target(role, gateway.url, gateway.test_secret), only)
    async with MiniChannel(SECRET, mutant.name, mutant.scheme) as channel:
        return await runner.run(Target(role, channel.url, SECRET), only)


async def trial(role: Role, mutant: Mutant, only: Iterable[str] = (), pause: float = PAUSE) -> Trial:
    """Certify a mutant and say what was reported."""
    begun = time.monotonic()
    result = await certify(role, mutant, only, pause)
    found = [finding for finding in result.findings if finding.verdict in REPORTED]
    return Trial(
        role,
        mutant,
        frozenset((f.check.requirement, f.verdict.value) for f in found),
        tuple(f.check.id for f in found),
        tuple(map(_told, found)),
        result.verdict,
        result.void,
        time.monotonic() - begun,
    )


def _told(finding: Finding) -> str:
    return f"{finding.check.id} {finding.verdict.value}: {finding.message[:200]}"


def flock(role: Role, labels: tuple[str, ...], related_only: bool = False) -> list[Trial]:
    """Try mutants side by side, as much of a run is waiting. Runs a loop of its own: for a process of a pool."""
    chosen = [mutant for mutant in mutants(role) if mutant.label in labels]

    async def together() -> list[Trial]:
        runs = (trial(role, one, related(role, one) if related_only else ()) for one in chosen)
        return await asyncio.gather(*runs)

    return asyncio.run(together())
