"""All that there is to say about a requirement: sentence, checks, mutants, what right and wrong look like."""

from __future__ import annotations

import difflib
import importlib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import spec
from conformance.exchanges import examples
from conformance.explain_text import FOUND_OUT
from conformance.model import REGISTRY, Role
from conformance.mutants import Mutant
from conformance.runner import load
from spec.registry import rows

Json = dict[str, Any]
ROLES: tuple[Role, ...] = ("gateway", "channel")
NEAR = 5  # ids to name where one is unknown


def row(requirement: spec.Requirement) -> Json:
    """A requirement as data; what it does not have is left out."""
    data: Json = {
        "id": requirement.id,
        "level": requirement.level,
        "roles": list(requirement.roles),
        "profile": requirement.profile,
        "capability": requirement.capability,
        "testability": requirement.testability,
        "provisional": requirement.provisional,
        "text": requirement.text,
        "checks": list(requirement.checks),
        "mutants": list(requirement.mutants),
    }
    more = {
        "operation": requirement.operation,
        "excluded": requirement.excluded,
        "survivors": dict(requirement.survivors),
    }
    return data | {name: value for name, value in more.items() if value}


def explained(requirement: spec.Requirement) -> Json:
    """The row with its page of the prose, its checks and mutants in full, and an example for each role."""
    return row(requirement) | {
        "page": f"spec/text/{_pages()[requirement.id]}.md",
        "checks": [_check(entry) for entry in _checks(requirement)],
        "mutants": [_mutant(role, one) for role, one in _mutants(requirement)],
        "examples": {
            role: examples(role)[requirement.id] for role in ROLES if requirement.id in examples(role)
        },
    }


def counts() -> list[list[str | int]]:
    """A table: requirements of each role and of both together, how many are checked, and how they are found out."""
    table: list[list[str | int]] = [["role", "requirements", "checked", *FOUND_OUT.values()]]
    for role in (*ROLES, "together"):
        mine = [one for one in spec.requirements() if role in one.roles or role == "together"]
        ways = Counter(one.testability for one in mine)
        checked = sum(bool(one.checks) for one in mine)
        table.append([role, len(mine), checked, *(ways[way] for way in FOUND_OUT)])
    return table


def near(name: str) -> list[str]:
    """Ids that are like an unknown one: those that begin so first."""
    ids = [one.id for one in spec.requirements()]
    begun = [one for one in ids if one.startswith(name.upper())]
    like = difflib.get_close_matches(name.upper(), ids, n=NEAR, cutoff=0.5)
    return list(dict.fromkeys([*begun, *like]))[:NEAR]


@cache
def _pages() -> dict[str, str]:
    return {found["id"]: noun for noun, found in rows()}


def _checks(requirement: spec.Requirement) -> Iterator[Any]:
    for role in ROLES:
        load(role)
        yield from (entry for entry in REGISTRY.of(role) if entry.requirement == requirement.id)


def _check(entry: Any) -> Json:
    return {
        "id": entry.id,
        "role": entry.role,
        "title": entry.title,
        "looks_at": " ".join((entry.judge.__doc__ or "").split()),
        "scenarios": list(entry.scenarios),
        "hint": entry.hint,
    }


def _mutants(requirement: spec.Requirement) -> Iterator[tuple[Role, Mutant]]:
    for role in ROLES:
        known = importlib.import_module(f"conformance.mutants.{role}").MUTANTS
        yield from ((role, one) for one in known if requirement.id in one.fails)


def _mutant(role: Role, one: Mutant) -> Json:
    return {"name": f"{role}:{one.name}", "about": one.about, "verdict": one.verdict}
