"""A chain for each test, on both EVMs.

They have a process of their own (tests/gateway_process/test_chain.py): eth-tester raises Python's recursion limit
above what the stack bears, and all that comes with web3 stays out of gateways that mint nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.chain.chains import Anvil, Chain, anvil, deploy, eth_tester, new_account
from tests.chain.minting import Mint


@pytest.fixture(params=["eth-tester", "anvil"])
async def chain(request: pytest.FixtureRequest) -> AsyncIterator[Chain]:
    """A fresh chain; the test runs once on each."""
    async with (eth_tester if request.param == "eth-tester" else anvil)() as opened:
        yield opened


@pytest.fixture
async def mint(chain: Chain) -> Mint:
    """The contract on a fresh chain."""
    minter = new_account()
    return Mint(chain, minter, await deploy(chain, minter))


@pytest.fixture
async def node() -> AsyncIterator[Anvil]:
    """Anvil alone, for what takes a pool of waiting transactions: eth-tester has none."""
    async with anvil() as opened:
        yield opened


@pytest.fixture
async def pooled(node: Anvil) -> Mint:
    """The contract there."""
    minter = new_account()
    return Mint(node, minter, await deploy(node, minter))
