"""Two real EVMs: py-evm in this process (eth-tester), and anvil, a node of its own that speaks JSON-RPC over HTTP."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import pytest
from eth_account import Account
from eth_tester import EthereumTester
from web3 import AsyncEthereumTesterProvider, AsyncHTTPProvider, AsyncWeb3

from gateway.chain.contract import compiled

INSTALLED = Path(__file__).parents[2] / "build/anvil/node_modules/.bin/anvil"
RICH = 10**20


class Chain(Protocol):
    """What the tests do to a chain beyond what a wallet can."""

    web3: Any
    chain_id: int

    async def fund(self, address: str) -> None:
        """Give an address something to pay gas with."""

    async def mine(self, blocks: int = 1, seconds: int = 0) -> None:
        """Mine blocks, the first one so many seconds after the last."""

    async def automine(self, on: bool) -> None:
        """Whether each transaction is mined as it comes."""

    async def mark(self) -> Any:
        """Remember the chain as it is."""

    async def reorganise(self, mark: Any) -> None:
        """Another branch has won: what came since then never was."""


@dataclass
class EthTester:
    """py-evm."""

    web3: Any
    tester: EthereumTester
    chain_id: int

    async def fund(self, address: str) -> None:
        """As the protocol says."""
        rich = self.tester.get_accounts()[0]
        self.tester.send_transaction({"from": rich, "to": address, "value": RICH, "gas": 21_000})

    async def mine(self, blocks: int = 1, seconds: int = 0) -> None:
        """As the protocol says."""
        if seconds:
            self.tester.time_travel(self.tester.get_block_by_number("latest")["timestamp"] + seconds)
        self.tester.mine_blocks(blocks)

    async def automine(self, on: bool) -> None:
        """As the protocol says."""
        (self.tester.enable_auto_mine_transactions if on else self.tester.disable_auto_mine_transactions)()

    async def mark(self) -> Any:
        """As the protocol says."""
        return self.tester.take_snapshot()

    async def reorganise(self, mark: Any) -> None:
        """As the protocol says."""
        self.tester.revert_to_snapshot(mark)


@dataclass
class Anvil:
    """A node over HTTP."""

    web3: Any
    chain_id: int
    url: str

    async def _do(self, method: str, *params: Any) -> Any:
        answer = await self.web3.provider.make_request(method, list(params))
        assert "error" not in answer, answer
        return answer["result"]

    async def fund(self, address: str) -> None:
        """As the protocol says."""
        await self._do("anvil_setBalance", address, hex(RICH))

    async def mine(self, blocks: int = 1, seconds: int = 0) -> None:
        """As the protocol says."""
        if seconds:
            await self._do("evm_increaseTime", seconds)
        await self._do("anvil_mine", hex(blocks))

    async def automine(self, on: bool) -> None:
        """As the protocol says."""
        await self._do("evm_setAutomine", on)

    async def mark(self) -> Any:
        """As the protocol says."""
        return await self._do("evm_snapshot")

    async def reorganise(self, mark: Any) -> None:
        """As the protocol says."""
        await self._do("evm_revert", mark)
        await self._do("anvil_dropAllTransactions")


@asynccontextmanager
async def eth_tester() -> AsyncIterator[EthTester]:
    """A fresh chain in this process."""
    provider = AsyncEthereumTesterProvider()
    web3 = AsyncWeb3(provider)
    yield EthTester(web3, provider.ethereum_tester, await web3.eth.chain_id)


@asynccontextmanager
async def anvil() -> AsyncIterator[Anvil]:
    """A fresh chain in a process of its own."""
    program = os.environ.get("VGCP_TEST_ANVIL") or (
        str(INSTALLED) if INSTALLED.exists() else shutil.which("anvil")
    )
    if program is None:
        pytest.skip("anvil is not here; `.ci/anvil` installs it from npm")
    process = await asyncio.create_subprocess_exec(
        program, "--host", "127.0.0.1", "--port", "0", "--accounts", "1", stdout=asyncio.subprocess.PIPE
    )
    try:
        url = await asyncio.wait_for(_listening(process), 30)
        async with aiohttp.ClientSession() as session:
            provider = AsyncHTTPProvider(url)
            await provider.cache_async_session(session)
            web3 = AsyncWeb3(provider)
            yield Anvil(web3, await web3.eth.chain_id, url)
    finally:
        process.terminate()
        await process.wait()


async def _listening(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    while line := (await process.stdout.readline()).decode():
        if line.startswith("Listening on "):
            return "http://" + line.split()[-1]
    raise AssertionError("anvil ended")


async def deploy(chain: Chain, minter: Any) -> str:
    """The contract, deployed by who may mint from it; its address."""
    await chain.fund(minter.address)
    web3 = chain.web3
    made = web3.eth.contract(abi=compiled()["abi"], bytecode=compiled()["bytecode"])
    built = await made.constructor("Things", "THG", "https://shop.example/things/").build_transaction(
        {"from": minter.address, "nonce": 0, "chainId": chain.chain_id}
    )
    await web3.eth.send_raw_transaction(minter.sign_transaction(built).raw_transaction)
    receipt = await web3.eth.wait_for_transaction_receipt(await _hash(web3, minter, built), timeout=10)
    return str(receipt["contractAddress"])


async def _hash(web3: Any, minter: Any, built: Any) -> Any:
    return minter.sign_transaction(built).hash


def new_account() -> Any:
    """A fresh key."""
    return Account.create()


def seconds_now() -> int:
    """The machine's time, which both chains begin with."""
    return int(time.time())
