"""One certification of each mini implementation, driven once and looked at by many tests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from conformance import timing
from conformance.mini_channel import MiniChannel
from conformance.mini_gateway import MiniGateway
from conformance.model import Verdict
from conformance.report import write
from conformance.runner import Run, Target, run
from tests.conformance.issuing import Issued, issued_in
from tests.conformance.standing import SECRET, standing

ONCE = {"gateway_run", "gateway_runs", "channel_run", "full_run"}
SEED = 20_260_101


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that looks at these runs is done by one worker, so that they are driven once."""
    for item in items:
        if ONCE & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("certified once"))


async def certified_gateway(fault: str = "", seed: int = SEED) -> Run:
    """The mini gateway with this fault, in full."""
    (found,) = await certified_in_turn(fault, (seed,))
    return found


async def certified_in_turn(fault: str, seeds: Sequence[int]) -> list[Run]:
    """One mini gateway, once by each seed; on a busy machine by the same story as on a quiet one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timing, "UNSTEADY", 60.0)
        async with MiniGateway(fault, retry_pause=0.9) as gateway:
            target = Target("gateway", gateway.url, gateway.test_secret)
            return [await run(target, seed=seed) for seed in seeds]


async def certified_channel(fault: str = "", seed: int = SEED, only: tuple[str, ...] = ()) -> Run:
    """The mini channel with this fault, in full when `only` is empty."""
    async with MiniChannel(SECRET, fault) as channel:
        return await run(Target("channel", channel.url, SECRET), only, seed=seed)


def flawless(found: Run) -> None:
    """Every check passes, nothing stopped or broke."""
    flaws = [(f.check.id, f.verdict, f.message) for f in found.findings if f.verdict is not Verdict.PASS]
    assert flaws == []
    assert (found.verdict, found.exit_code, found.void) == ("certified", 0, "")
    assert not found.transcript.stopped
    assert not found.transcript.broken


@pytest.fixture(scope="session")
def gateway_runs() -> list[Run]:
    """The right mini gateway, in full, and then again."""
    return asyncio.run(certified_in_turn("", (SEED, SEED + 1)))


@pytest.fixture(scope="session")
def gateway_run(gateway_runs: list[Run]) -> Run:
    """The right mini gateway, in full."""
    return gateway_runs[0]


@pytest.fixture(scope="session")
def channel_run() -> Run:
    """The right mini channel, in full."""
    return asyncio.run(certified_channel())


@pytest.fixture(scope="session", params=["gateway", "channel"])
def full_run(request: pytest.FixtureRequest) -> Run:
    """Each of the two."""
    found: Run = request.getfixturevalue(f"{request.param}_run")
    return found


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """A failed run (the channel logs goods) and the folder with its files."""

    async def certify() -> Run:
        async with MiniChannel(SECRET, "logs_goods") as channel:
            checks = ("DLV-013", "SEL-002", "SIG-006", "ERR-010", "DLV-034")
            return await run(Target("channel", channel.url, SECRET), checks)

    result, folder = asyncio.run(certify()), tmp_path_factory.mktemp("reported") / "out"
    write(result, folder)
    return result, folder


@pytest.fixture(scope="session")
def expired() -> Iterator[str]:
    """The origin of a channel that takes events signed at any time: SIG-008 fails, and SIG-009 waits for it."""
    with standing("no_time_window") as url:
        yield url


@pytest.fixture(scope="session")
def sound() -> Iterator[str]:
    """The origin of a correct channel."""
    with standing() as url:
        yield url


@pytest.fixture
def issued(tmp_path: Path) -> Issued:
    """A certificate of ownership, bound to a key of its holder's."""
    return issued_in(tmp_path)
