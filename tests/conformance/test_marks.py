"""The registry names exactly the checks and mutants that there are."""

from __future__ import annotations

import pytest

import spec
from conformance import marks
from conformance.model import REGISTRY, Role
from conformance.runner import load


def test_the_registry_is_up_to_the_code() -> None:
    """`python -m conformance.marks` has nothing to change."""
    assert marks.stale() == []


@pytest.mark.parametrize("role", ["channel", "gateway"])
def test_checks_are_of_requirements_that_bind_the_role(role: Role) -> None:
    """No check of a requirement that does not exist or binds the other side only; every scenario exists."""
    load(role)
    rows = {row.id: row for row in spec.requirements()}
    set_up = {"discovery", "reset"}  # driven before any scenario, in every run
    stories = {story.name for story in REGISTRY.stories(role)} | set_up
    for entry in REGISTRY.of(role):
        assert role in rows[entry.requirement].roles, entry.id
        assert entry.id.removesuffix(f"-{entry.id[-1]}").startswith(entry.requirement[:3])
        assert set(entry.scenarios) <= stories, entry.id


def test_every_requirement_of_the_channel_is_checked_or_excluded() -> None:
    """What is not checked has a reason."""
    bare = [r.id for r in spec.requirements() if "channel" in r.roles and not r.checks and not r.excluded]
    assert bare == []


def test_a_check_takes_the_place_of_a_reason() -> None:
    """A row that is checked now loses its reason for not being checked, and keeps everything else."""
    row = {"id": "SEL-001", "text": "t", "excluded": "nobody can see it", "mutants": ["channel:gone"]}
    found = {"SEL-001": {"checks": ["SEL-001"], "mutants": []}}
    left = {"id": "SEL-001", "text": "t", "testability": "wire", "checks": ["SEL-001"]}
    assert marks.marked(row, found) == left
