"""`vgcp supplies deploy-contract`: put the contract that tokens are minted from on a chain."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from gateway.chain.contract import compiled
from gateway.chain.erc721 import read_key

PATIENCE = 300  # seconds until it must be mined


@click.command("deploy-contract")
@click.option("--url", required=True, envvar="VGCP_CHAIN_URL", help="JSON-RPC of a node of the chain.")
@click.option("--key-file", required=True, type=click.Path(dir_okay=False, path_type=Path),
              help="The minter's key, which pays: 32 bytes in hexadecimal, mode 0600.")  # fmt: skip
@click.option("--name", required=True, help="Of the collection, as wallets show it.")
@click.option("--symbol", required=True, help="Its short name.")
@click.option("--base-uri", default="", help="Where the tokens' metadata is: this and the number.")
def deploy_contract(url: str, key_file: Path, name: str, symbol: str, base_uri: str) -> None:
    """Deploy the ERC-721 contract (gateway/chain/Collectible.sol), and print what goes into the suppliers' file.

    The key may mint from it, and nobody else. Example:

    vgcp supplies deploy-contract --url http://127.0.0.1:8545 --key-file minter.key --name Things --symbol THG
    """
    try:
        chain_id, address = asyncio.run(_deploy(url, read_key(key_file), name, symbol, base_uri))
    except ImportError as error:
        raise click.ClickException("this needs the extra `chain`: pip install 'vgcp[chain]'") from error
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    except Exception as error:  # of a node's, whose URL may have a secret in it
        raise click.ClickException(f"it could not be deployed: {type(error).__name__}") from error
    click.echo(f"contract: '{address}'\nchain_id: {chain_id}")


async def _deploy(url: str, account: Any, name: str, symbol: str, base_uri: str) -> tuple[int, str]:
    from web3 import AsyncHTTPProvider, AsyncWeb3

    provider = AsyncHTTPProvider(url)
    try:
        web3 = AsyncWeb3(provider)
        chain_id = await web3.eth.chain_id
        made = web3.eth.contract(abi=compiled()["abi"], bytecode=compiled()["bytecode"])
        nonce = await web3.eth.get_transaction_count(account.address)
        built = await made.constructor(name, symbol, base_uri).build_transaction(
            {"from": account.address, "nonce": nonce, "chainId": chain_id}
        )
        sent = await web3.eth.send_raw_transaction(account.sign_transaction(built).raw_transaction)
        receipt = await web3.eth.wait_for_transaction_receipt(sent, timeout=PATIENCE)
    finally:
        await provider.disconnect()
    return int(chain_id), str(receipt["contractAddress"])
