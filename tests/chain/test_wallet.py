"""Nonces, fees and what is stuck, on a node with a pool of waiting transactions."""

from __future__ import annotations

import asyncio

from gateway.chain.wallet import GWEI
from gateway.core.suppliers import Pending, Unknown
from tests.chain.chains import Anvil
from tests.chain.minting import Mint, token_in


async def test_many_at_once_have_nonces_of_their_own(pooled: Mint) -> None:
    """Units that two processes mint at the same time come one after the other, and each is there."""
    await pooled.chain.automine(False)
    requests = [await pooled.request(f"sup_{number}") for number in range(8)]
    suppliers = [pooled.supplier(), pooled.supplier()]
    answers = await asyncio.gather(*(suppliers[n % 2].make(one) for n, one in enumerate(requests)))
    assert all(isinstance(one, Pending) for one in answers)
    await pooled.chain.mine(5)
    tokens = [token_in(await suppliers[0].status(request)) for request in requests]
    assert sorted(one["token_id"] for one in tokens) == sorted("12345678")


async def stuck(pooled: Mint, node: Anvil) -> None:
    """From now on gas costs more than what was sent pays."""
    await node._do("anvil_setNextBlockBaseFeePerGas", hex(500 * GWEI))
    await node.mine(1)


async def test_what_is_stuck_is_sent_again_for_more(pooled: Mint, node: Anvil) -> None:
    """A mint that pays too little after the fees have risen is replaced by the same one that pays enough."""
    await node.automine(False)
    request, supplier = await pooled.request(), pooled.supplier()
    await supplier.make(request)
    await stuck(pooled, node)
    assert await pooled.supply() == 0
    assert not await pooled.wallets[0].unstick()  # it has not waited for long
    pooled.wallets[0]._patience = 0
    assert isinstance(await supplier.status(request), Pending)
    await node.mine(4)
    assert token_in(await supplier.status(request))["token_id"] == "1"
    assert await pooled.supply() == 1


async def test_what_another_process_left_is_cleared_away(pooled: Mint, node: Anvil) -> None:
    """After a restart nobody knows what waits: it is replaced by nothing, and minted again when that is sure."""
    await node.automine(False)
    request = await pooled.request()
    await pooled.supplier().make(request)
    after = pooled.supplier()
    assert isinstance(await after.status(request), Pending)
    pooled.wallets[-1]._patience = 0
    assert await pooled.wallets[-1].unstick()
    await node.mine(5, seconds=300)
    assert await pooled.supply() == 0
    assert isinstance(await after.status(request), Unknown)
    again = await pooled.request()
    await after.make(again)
    await node.mine(4)
    assert token_in(await after.status(again))["token_id"] == "1"


async def test_a_new_unit_takes_the_place_of_one_that_is_stuck(pooled: Mint, node: Anvil) -> None:
    """A node that does not count what pays too little gives its nonce to the next unit; the first one comes later."""
    await node.automine(False)
    first, second = await pooled.request("sup_1"), await pooled.request("sup_2")
    await pooled.supplier().make(first)
    await stuck(pooled, node)
    after = pooled.supplier()
    await after.make(second)
    await node.mine(4)
    assert token_in(await after.status(second))["token_id"] == "1"
    await node.mine(5, seconds=300)
    assert isinstance(await after.status(first), Unknown)
    assert await pooled.supply() == 1
