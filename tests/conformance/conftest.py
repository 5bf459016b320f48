"""One failed run of the suite, which the tests of all its forms share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.mini_channel import MiniChannel
from conformance.report import write
from conformance.runner import Run, Target, run
from tests.conformance.standing import SECRET, standing


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
