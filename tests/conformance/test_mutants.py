"""Every wrong implementation fails on its own requirement, and for nothing else.

Here each mutant is driven through the scenarios that feed its requirement, and everything that those scenarios allow to
judge is judged; `make mutation` certifies each of them in full.
"""

from __future__ import annotations

import asyncio

import pytest

from conformance import timing
from conformance.model import Role
from conformance.mutants import Mutant, mutants
from conformance.mutation import ROLES
from conformance.trials import related, trial

FLOCK = 24  # mutants side by side; much of a run is waiting
PAUSE = 0.5  # seconds before an event comes again; less cannot be told from how busy the machine is
FLOCKS = [
    (role, mutants(role)[start : start + FLOCK])
    for role in ROLES
    for start in range(0, len(mutants(role)), FLOCK)
]


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mini gateway posts events at once, so the suite need not wait for long for what never comes."""
    monkeypatch.setattr(timing, "EVENT_PATIENCE", 3.0)
    monkeypatch.setattr(timing, "RETRY_PATIENCE", 8.0)


@pytest.mark.parametrize(
    ("role", "flock"), FLOCKS, ids=lambda given: given if isinstance(given, str) else given[0].name
)
async def test_mutants_fail_for_their_reason_only(role: Role, flock: tuple[Mutant, ...]) -> None:
    """The failed requirements are exactly those expected; nothing is a fault of the suite."""
    tried = await asyncio.gather(*(trial(role, one, related(role, one), PAUSE) for one in flock))
    assert [(one.mutant.label, one.why) for one in tried if not one.killed] == []
