"""What is no channel passes nothing and is never certified."""

from __future__ import annotations

import socket

import pytest

from conformance.model import Verdict
from conformance.runner import Run, Target, run
from tests.conformance.hosts import (
    HOSTS,
    always_200,
    always_204,
    always_400,
    paper_tiger,
    serving,
    smooth_talker,
)

SECRET = "only-for-tests"


async def certify(url: str) -> Run:
    """Certify what is at this origin."""
    return await run(Target("channel", url, SECRET))


def passes(result: Run) -> set[str]:
    """The checks that passed."""
    return {f.check.id for f in result.findings if f.verdict is Verdict.PASS}


async def test_a_dead_host_is_void() -> None:
    """Nobody listens: nothing passes, and the run is void."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    result = await certify(f"http://127.0.0.1:{port}")
    assert (passes(result), result.verdict, result.exit_code) == (set(), "void", 3)


@pytest.mark.parametrize("name", HOSTS)
async def test_a_host_without_discovery_is_void(name: str) -> None:
    """Whatever it answers to everything: nothing passes, and the run is void."""
    async with serving(HOSTS[name]) as url:
        result = await certify(url)
    assert (passes(result), result.verdict, result.exit_code) == (set(), "void", 3)
    assert result.void


@pytest.mark.parametrize(
    "answer", [always_200, always_204, always_400, smooth_talker], ids=lambda f: f.__name__
)
async def test_fine_words_pass_nothing(answer: object) -> None:
    """A flawless discovery document with nothing behind it passes no check, and is not certified."""
    async with serving(paper_tiger("channel", answer)) as url:  # type: ignore[arg-type]
        result = await certify(url)
    assert passes(result) == set()
    assert result.exit_code in (1, 2, 3)
