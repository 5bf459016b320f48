"""One certification of each mini implementation, driven once and looked at by many tests."""

from __future__ import annotations

import asyncio

import pytest

from conformance.mini_channel import MiniChannel
from conformance.mini_gateway import MiniGateway
from conformance.runner import Run, Target, run

SECRET = "only-for-tests"
SEED = 20_260_101


async def certified_gateway(fault: str = "", seed: int = SEED) -> Run:
    """The mini gateway with this fault, in full."""
    async with MiniGateway(fault, retry_pause=0.3) as gateway:
        return await run(Target("gateway", gateway.url, gateway.test_secret), seed=seed)


async def certified_channel(fault: str = "", seed: int = SEED) -> Run:
    """The mini channel with this fault, in full."""
    async with MiniChannel(SECRET, fault) as channel:
        return await run(Target("channel", channel.url, SECRET), seed=seed)


@pytest.fixture(scope="session")
def gateway_run() -> Run:
    """The right mini gateway, in full."""
    return asyncio.run(certified_gateway())


@pytest.fixture(scope="session")
def channel_run() -> Run:
    """The right mini channel, in full."""
    return asyncio.run(certified_channel())


@pytest.fixture(scope="session", params=["gateway", "channel"])
def full_run(request: pytest.FixtureRequest) -> Run:
    """Each of the two."""
    found: Run = request.getfixturevalue(f"{request.param}_run")
    return found
