"""Deliberately wrong implementations, one fault each, and what the suite must say about them.

One module for each role, with its `MUTANTS`. The tests hold that the suite says exactly that, and the registry
(spec/requirements) names each mutant beside the requirement that catches it: `python -m conformance.marks`.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.model import Role

USUAL = "standard_webhooks"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault that the role's mini implementation can be given.

    `fails` are all requirements that the suite must report, no more and no less, with `verdict` (a SHOULD that does
    not hold is a `warn`). `scheme` is set where a fault exists in one signature scheme only.
    """

    name: str
    fails: frozenset[str]
    about: str
    scheme: str = USUAL
    verdict: str = "fail"

    @property
    def label(self) -> str:
        """Its name, with the scheme where that is not the usual one: no two mutants of a role have the same."""
        return self.name if self.scheme == USUAL else f"{self.name} ({self.scheme})"


def mutants(role: Role) -> tuple[Mutant, ...]:
    """All mutants of a role."""
    found: tuple[Mutant, ...] = importlib.import_module(f"conformance.mutants.{role}").MUTANTS
    return found
