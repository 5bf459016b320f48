"""Deliberately wrong implementations, one fault each, and what the suite must say about them.

One module for each role, with its `MUTANTS`. The tests hold that the suite says exactly that, and the registry
(spec/requirements) names each mutant beside the requirement that catches it: `python -m conformance.marks`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault that the role's mini implementation can be given.

    `fails` are all requirements that the suite must report, no more and no less, with `verdict` (a SHOULD that does
    not hold is a `warn`). `scheme` is set where a fault exists in one signature scheme only.
    """

    name: str
    fails: frozenset[str]
    about: str
    scheme: str = "standard_webhooks"
    verdict: str = "fail"
