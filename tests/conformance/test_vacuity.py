"""What is no implementation at all passes nothing and is never certified."""

from __future__ import annotations

import pytest

from conformance import timing
from conformance.model import Role
from conformance.mutation import ROLES
from conformance.runner import Run
from conformance.vacuity import (
    PLAIN,
    TALKERS,
    Handler,
    certify,
    dead,
    hosts,
    paper_tiger,
    parrot,
    passes,
    serving,
    successes,
)

roles = pytest.mark.parametrize("role", ROLES)


async def found(role: Role, handler: Handler) -> Run:
    """Certify a host that answers by this handler."""
    async with serving(handler) as url:
        return await certify(role, url)


@roles
async def test_a_dead_host_is_void(role: Role) -> None:
    """Nobody listens: nothing passes, and the run is void."""
    with dead() as url:
        result = await certify(role, url)
    assert (passes(result), result.verdict, result.exit_code) == (set(), "void", 3)


@roles
@pytest.mark.parametrize("name", PLAIN)
async def test_a_host_without_discovery_is_void(name: str, role: Role) -> None:
    """Whatever it answers to everything: nothing passes, and the run is void."""
    result = await found(role, PLAIN[name])
    assert (passes(result), result.verdict, result.exit_code) == (set(), "void", 3)
    assert result.void


@roles
@pytest.mark.parametrize("answer", TALKERS, ids=lambda f: f.__name__)
async def test_fine_words_pass_nothing(answer: Handler, role: Role) -> None:
    """A flawless discovery document with nothing behind it passes no check, and is not certified."""
    result = await found(role, paper_tiger(role, answer))
    assert passes(result) == set()
    assert result.exit_code in (1, 2, 3)


async def test_a_parrot_passes_nothing(full_run: Run) -> None:
    """A host that repeats, operation by operation, what a right implementation once answered passes nothing."""
    role, answers = full_run.target.role, successes(full_run)
    assert len(answers) > 5
    result = await found(role, parrot(role, answers))
    assert passes(result) == set()
    assert result.exit_code in (1, 2, 3)
    assert {*PLAIN, "parrot"} < hosts(role, answers).keys()


async def test_patience_is_bounded() -> None:
    """What never comes is waited for at most this long."""
    assert timing.RETRY_PATIENCE <= 15
    assert timing.EVENT_PATIENCE <= 6
