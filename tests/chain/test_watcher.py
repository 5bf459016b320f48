"""What is handed on on the chain is so in the books: the buyer's entitlement is `transferred`, and the log says it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.chain.watcher import TransferWatcher
from gateway.core.model import Channel, Delivery, Order
from gateway.core.model_ownership import Entitlement
from gateway.core.model_ownership_log import LogEntry
from gateway.core.model_tokens import ChainMark, Token
from gateway.relay.maker import Maker
from gateway.relay.sweeper import own_call
from gateway.storage.engine import open_engine
from gateway.storage.keys import new_entry
from gateway.storage.supplies import Supplies
from gateway.storage.vault import AesVault
from tests.chain.chains import Chain, deploy, new_account
from tests.chain.minting import Mint
from tests.core.stores import DatabaseStore
from tests.core.world import World, line

NAME = "sandbox.makes"  # as test control calls it; here it is the one that mints


@dataclass
class Market:
    """A gateway's books, a chain, and a buyer with a key of her own."""

    world: World
    mint: Mint
    maker: Maker
    channel: Channel
    buyer: Any

    async def buy(self) -> Order:
        """An order of one token, made and delivered."""
        offer = await self.world.offer(delivery_kind="token", on_demand={"supplier": "makes"})
        row = {**line(offer, 1), "buyer_input": {"address": self.buyer.address}}
        return await self.world.order(self.channel, row)

    async def look(self) -> None:
        """The maker looks after what is to be made."""
        self.world.advance(100)
        await self.maker.run_once(self.world.now)
        await self.maker.drain()

    async def give_away(self, to: str = "") -> None:
        """The buyer sends her token to somebody else, unless it is to go to an address that is given."""
        web3, contract = self.mint.chain.web3, self.mint.contract._contract
        await self.mint.chain.fund(self.buyer.address)
        nonce = await web3.eth.get_transaction_count(self.buyer.address)
        call = contract.functions.transferFrom(self.buyer.address, to or new_account().address, 1)
        built = await call.build_transaction(
            {"from": self.buyer.address, "nonce": nonce, "chainId": self.mint.chain.chain_id}
        )
        await web3.eth.send_raw_transaction(self.buyer.sign_transaction(built).raw_transaction)

    def watcher(self) -> TransferWatcher:
        """As after a restart."""
        return TransferWatcher([self.mint.supplier()], self.world.store, own_call)

    async def watch(self) -> int:
        """Read on."""
        return await self.watcher().run_once(self.world.now)

    async def status(self) -> str:
        """Of the one entitlement."""
        (one,) = await self.world.rows(Entitlement)
        return one.status


@pytest.fixture
async def market(database_url: str, chain: Chain) -> AsyncIterator[Market]:
    """On both databases and both chains."""
    vault, store = AesVault(new_entry()), DatabaseStore(open_engine(database_url))
    minter = new_account()
    mint = Mint(chain, minter, await deploy(chain, minter))
    now = datetime.fromtimestamp((await mint.contract.head()).timestamp, UTC)
    world = World(store, vault, now)
    suppliers = {NAME: mint.supplier()}
    maker = Maker(Supplies(store.engine), world.store, vault, suppliers, lambda: world.now)
    yield Market(world, mint, maker, await world.channel(), new_account())
    await maker.close()
    await store.close()


async def test_a_token_that_moves_is_no_more_the_buyers(market: Market) -> None:
    """Bought, minted, delivered; sent to another address; when that is deep enough, the entitlement is transferred."""
    order = await market.buy()
    await market.watch()
    await market.look()
    await market.mint.chain.mine(3)
    await market.look()
    assert (await market.world.order_now(order)).status == "fulfilled"
    assert await market.status() == "active"
    (owned,) = await market.world.rows(Entitlement)
    assert [owned.asset] == [one.id for one in await market.world.rows(Token)]
    await market.give_away(market.buyer.address)  # she is its owner still
    await market.mint.chain.mine(3)
    assert await market.watch() == 0
    assert await market.status() == "active"
    await market.give_away()
    await market.mint.chain.mine(2)
    await market.watch()
    assert await market.status() == "active"  # not deep enough
    await market.mint.chain.mine(1)
    assert await market.watch() == 1
    assert await market.status() == "transferred"
    assert await market.watch() == 0
    changes = [one.leaf for one in await market.world.rows(LogEntry)]
    assert ['"transferred"' in one for one in changes] == [False, True]


async def test_a_token_that_moved_before_it_was_noted(market: Market) -> None:
    """The watcher may see a token move before the gateway knows that it is made: the entitlement ends as it begins."""
    await market.buy()
    await market.watch()
    await market.look()
    await market.give_away()
    await market.mint.chain.mine(4)
    assert await market.watch() == 1
    assert [one.delivery_id for one in await market.world.rows(Token)] == [None]
    await market.look()
    assert len(await market.world.rows(Delivery)) == 1
    assert await market.status() == "transferred"


async def test_two_processes_read_each_block_once(market: Market) -> None:
    """A process that comes late with the same blocks changes nothing."""
    await market.watch()
    await market.mint.chain.mine(5)
    await market.watch()
    (mark,) = await market.world.rows(ChainMark)
    head = (await market.mint.contract.head()).number
    assert mark == ChainMark(market.mint.supplier().contract, head - 3)
    assert await market.watch() == 0


async def test_a_node_that_is_away_keeps_nobody_from_the_others(market: Market) -> None:
    """Every contract is read as far as its own node lets; the trouble is told after that."""
    away = market.mint.supplier()

    async def opened() -> Any:
        raise ConnectionError("away")

    away._open = opened  # type: ignore[method-assign]
    watcher = TransferWatcher([away, market.mint.supplier()], market.world.store, own_call)
    with pytest.raises(ConnectionError):
        await watcher.run_once(market.world.now)
    assert len(await market.world.rows(ChainMark)) == 1
