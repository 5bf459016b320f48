"""Tokens are minted once, whatever is lost on the way, and count when they are deep enough in the chain."""

from __future__ import annotations

import pytest

from gateway.chain.contract import request_of
from gateway.chain.erc721 import Rules, connect
from gateway.core.suppliers import Pending, Refused, SupplierTrouble, Unknown
from tests.chain.chains import new_account
from tests.chain.minting import BUYER, Mint, token_in


async def test_a_token_is_made_when_it_is_confirmed(mint: Mint) -> None:
    """A mint counts after its confirmations, and names chain, asset, owner and transaction as CAIP has them."""
    supplier, request = mint.supplier(), await mint.request()
    assert isinstance(await supplier.make(request), Pending)
    assert isinstance(await supplier.status(request), Pending)
    await mint.chain.mine(3)
    token = token_in(await supplier.status(request))
    chain = f"eip155:{mint.chain.chain_id}"
    assert token.pop("transaction").startswith("0x")
    assert token == {
        "chain": chain,
        "asset": f"{chain}/erc721:{mint.address}/1",
        "token_id": "1",
        "owner": f"{chain}:{BUYER}",
    }
    assert await mint.contract._contract.functions.ownerOf(1).call() == BUYER


async def test_asked_again_it_is_the_same_token(mint: Mint) -> None:
    """Making it again, here or after a restart, sends nothing, and gives the same goods."""
    request = await mint.request()
    await mint.supplier().make(request)
    await mint.chain.mine(3)
    answers = [await mint.supplier().make(request), await mint.supplier().status(request)]
    assert answers[0] == answers[1]
    assert await mint.supply() == 1


async def test_the_contract_refuses_a_second_mint(mint: Mint) -> None:
    """Two mints of one request that are sent side by side, as by two processes, make one token."""
    request = await mint.request()
    await mint.chain.automine(False)
    first, second = mint.supplier(), mint.supplier()
    await first.make(request)
    await second.make(request)
    await mint.chain.mine(4)
    await mint.chain.automine(True)
    assert token_in(await first.status(request)) == token_in(await second.status(request))
    assert await mint.supply() == 1


async def test_what_was_never_sent_is_unknown_when_its_time_is_over(mint: Mint) -> None:
    """A crash before the mint: while one might still come it is pending; then it is sure that none will."""
    request = await mint.request()
    assert isinstance(await mint.supplier().status(request), Pending)
    await mint.chain.mine(1, seconds=130)
    assert isinstance(await mint.supplier().status(request), Pending)  # not deep enough to be sure
    await mint.chain.mine(4)
    assert isinstance(await mint.supplier().status(request), Unknown)
    again = await mint.request()
    assert isinstance(await mint.supplier().make(again), Pending)
    await mint.chain.mine(3)
    assert token_in(await mint.supplier().status(again))["token_id"] == "1"


async def test_a_mint_that_comes_too_late_is_void(mint: Mint) -> None:
    """A transaction that is mined after the deadline mints nothing, so what was given up never comes."""
    request = await mint.request()
    await mint.chain.automine(False)
    await mint.supplier().make(request)
    await mint.chain.mine(4, seconds=200)
    await mint.chain.automine(True)
    await mint.chain.mine(4)
    assert await mint.supply() == 0
    assert isinstance(await mint.supplier().status(request), Unknown)


async def test_a_mint_that_a_reorganisation_took_is_minted_again(mint: Mint) -> None:
    """A token that vanished before its confirmations is no goods; once it is sure to be gone it is minted again."""
    request, supplier = await mint.request(), mint.supplier()
    mark = await mint.chain.mark()
    await supplier.make(request)
    await mint.chain.mine(2)
    assert isinstance(await supplier.status(request), Pending)
    await mint.chain.reorganise(mark)
    assert await mint.supply() == 0
    assert isinstance(await supplier.status(request), Pending)
    await mint.chain.mine(5, seconds=200)
    assert isinstance(await mint.supplier().status(request), Unknown)
    again = await mint.request()
    await mint.supplier().make(again)
    await mint.chain.mine(3)
    assert token_in(await mint.supplier().status(again))["token_id"] == "1"
    assert await mint.supply() == 1


async def test_bad_addresses_are_refused_for_good(mint: Mint) -> None:
    """Without an address, or with one whose checksum is wrong, there will never be a token."""
    wrong = BUYER.replace("E4169EE7", "e4169EE7")
    for address in ("", "0x12", wrong):
        assert isinstance(await mint.supplier().make(await mint.request(to=address)), Refused)


async def test_who_may_not_mint_makes_no_token(mint: Mint) -> None:
    """A key that is not the minter's, and one without money, are trouble and nothing is lost."""
    stranger, poor = new_account(), new_account()
    await mint.chain.fund(stranger.address)
    for account in (stranger, poor):
        with pytest.raises(SupplierTrouble):
            await mint.supplier(account).make(await mint.request())
    assert await mint.supply() == 0


async def test_fees_have_a_limit(mint: Mint) -> None:
    """Where gas costs more than the merchant allows, nothing is sent."""
    mint.max_fee_gwei = 0.000_001
    with pytest.raises(SupplierTrouble, match="fees are too high"):
        await mint.supplier().make(await mint.request())
    assert await mint.supply() == 0


async def test_the_node_must_be_of_the_right_chain(mint: Mint) -> None:
    """A node of another chain is not used."""
    with pytest.raises(SupplierTrouble, match="not 5"):
        await connect(mint.chain.web3, mint.minter, mint.address, Rules(5))


async def test_the_request_is_known_by_its_hash() -> None:
    """The contract knows a unit by 32 bytes that do not change."""
    assert request_of("sup_1") == request_of("sup_1") != request_of("sup_2")
    assert len(request_of("sup_1")) == 32
