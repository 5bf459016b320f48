"""A gateway that sells tokens, as its operator runs it, and a node of its own; killed in between."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from click.testing import CliRunner

from gateway.chain.deploying import deploy_contract
from gateway.chain.erc721 import Erc721Supplier
from gateway.suppliers import make_suppliers
from tests.chain.chains import Anvil, deploy, new_account
from tests.chain.minting import BUYER, Mint
from tests.fixtures.gateway import RunningGateway, TestChannel, order_of, subprocess_gateway
from tests.gateway_process.test_crash import kill, moved
from tests.gateway_process.test_supplies import ended, merchant

CATALOGUE = """
currency: EUR
products:
  - id: dragon
    name: Dragon
    category: collectible
    delivery_kind: token
    price: 500
    supplier: things
"""


def options(node: Anvil, minter: Any, address: str, folder: Path, **more: Any) -> dict[str, Any]:
    """What a merchant writes into the suppliers' file, with a key file."""
    key = folder / "minter.key"
    key.touch(mode=0o600)
    key.write_text(minter.key.hex() + "\n")
    row = {"url": node.url, "contract": address, "chain_id": node.chain_id, "key_file": str(key)}
    return {"adapter": "erc721", "confirmations": 2, **row, **more}


async def ordered(gateway: RunningGateway, folder: Path) -> tuple[TestChannel, str]:
    """A channel, and the id of the order of a token that it has paid; an address that is none is refused before."""
    (folder / "catalogue.yaml").write_text(CATALOGUE)
    await asyncio.to_thread(merchant, gateway.database, folder, "import", "catalogue.yaml")
    shop = await gateway.channel()
    offer = (await shop.get("/offers")).json["items"][0]["offer"]
    assert offer["buyer_input"]["required"] == ["address"]
    body = order_of(offer, 1)
    body["lines"][0]["buyer_input"] = {"address": BUYER.replace("E4169EE7", "e4169EE7")}
    refused = await shop.post("/orders", body)
    assert refused.code == "buyer_input_invalid"
    assert refused.json["errors"][0]["pointer"] == "/lines/0/buyer_input/address"
    body["lines"][0]["buyer_input"] = {"address": BUYER}
    made = await shop.post("/orders", body)
    assert (made.status, made.json["status"]) == (201, "fulfilling")
    return shop, str(made.json["id"])


async def until(mint: Mint, supply: int) -> None:
    """Wait until the contract has so many tokens."""
    async with asyncio.timeout(20):
        while await mint.supply() < supply:
            await asyncio.sleep(0.05)


async def test_a_token_from_end_to_end_over_a_crash(tmp_path: Path, node: Anvil) -> None:
    """Ordered, minted; the gateway is killed before it knows; the next one finds the token on the chain. One in all."""
    minter = new_account()
    mint = Mint(node, minter, await deploy(node, minter))
    row = options(node, minter, mint.address, tmp_path)
    text = "\n".join(f"    {name}: {value!r}" for name, value in row.items())
    (tmp_path / "suppliers.yaml").write_text(f"suppliers:\n  things:\n{text}\n")
    started = ("--suppliers", str(tmp_path / "suppliers.yaml"))
    with subprocess_gateway(None, tmp_path, *started) as first:
        shop, order_id = await ordered(first, tmp_path)
        await until(mint, 1)
        kill(first)
    await node.mine(3)
    with subprocess_gateway(None, tmp_path, *started) as second:
        shop = moved(shop, second)
        await second.control("/clock", {"advance_seconds": 100})  # the leases are over
        order = await ended(shop, order_id)
        assert order["status"] == "fulfilled"
        (delivery,) = (await shop.get(f"/orders/{order_id}/deliveries")).json["items"]
        token = (await shop.post(f"/deliveries/{delivery['id']}/reveal")).json["goods"]["token"]
        owned = (await shop.get(f"/entitlements/{delivery['entitlement_id']}")).json
    chain = f"eip155:{node.chain_id}"
    assert owned["token"] == {name: token[name] for name in ("chain", "asset", "token_id")}
    assert token["asset"] == f"{chain}/erc721:{mint.address}/1"
    assert token["owner"] == f"{chain}:{BUYER}"
    assert await mint.supply() == 1
    assert second.log_path is not None
    assert minter.key.hex() not in second.log_path.read_text()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"url": None}, "it needs url"),
        ({"contract": "0x12"}, "contract is an address"),
        ({"chain_id": "one"}, "chain_id is a whole number"),
        ({"confirmations": -1}, "confirmations is a whole number"),
        ({"max_fee_gwei": 0}, "max_fee_gwei is a number above 0"),
        ({"key_file": "/nowhere/minter.key"}, "cannot be read"),
        ({"confirmation": 3}, "unknown: confirmation"),
    ],
)
async def test_options_that_are_wrong_are_said_at_the_start(
    tmp_path: Path, more: dict[str, Any], said: str
) -> None:
    """The supplier is not made, and the reason names the option."""
    nowhere = Anvil(None, 1, "http://127.0.0.1:9")
    row = options(nowhere, new_account(), BUYER, tmp_path, **more)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ValueError, match=said):
            make_suppliers(session, {"things": row})


@pytest.mark.parametrize(
    ("text", "mode", "said"), [(None, 0o644, "by others"), ("0xzz", 0o600, "no key in it")]
)
async def test_a_key_file_must_be_the_minters_alone(
    tmp_path: Path, text: str | None, mode: int, said: str
) -> None:
    """A key that others can read, and a file without one, are refused, and nothing of the key is said."""
    minter = new_account()
    row = options(Anvil(None, 1, "http://127.0.0.1:9"), minter, BUYER, tmp_path)
    path = Path(row["key_file"])
    path.write_text(text or path.read_text())
    path.chmod(mode)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ValueError, match=said) as refused:
            make_suppliers(session, {"things": row})
    assert minter.key.hex() not in str(refused.value)


async def test_a_supplier_is_made_without_asking_the_node(tmp_path: Path) -> None:
    """A gateway starts also while the node is away."""
    row = options(Anvil(None, 1, "http://127.0.0.1:9"), new_account(), BUYER, tmp_path)
    async with aiohttp.ClientSession() as session:
        made = make_suppliers(session, {"things": row})
    assert isinstance(made["things"], Erc721Supplier)


async def test_the_contract_is_deployed_by_a_command(tmp_path: Path, node: Anvil) -> None:
    """The command deploys what the supplier mints from, and prints what goes into the suppliers' file."""
    minter = new_account()
    await node.fund(minter.address)
    key = str(options(node, minter, BUYER, tmp_path)["key_file"])
    words = ["--url", node.url, "--key-file", key, "--name", "Things", "--symbol", "THG"]
    done = await asyncio.to_thread(CliRunner().invoke, deploy_contract, words)
    assert done.exit_code == 0, done.output
    printed = yaml.safe_load(done.output)
    assert printed["chain_id"] == node.chain_id
    mint = Mint(node, minter, printed["contract"])
    await mint.supplier().make(await mint.request())
    assert await mint.supply() == 1


def test_other_goods_never_touch_a_chain() -> None:
    """The gateway with all its parts imports nothing of web3, nor of what comes with it."""
    program = (
        "import sys, gateway.main, gateway.cli, gateway.serving, gateway.chain.watcher\n"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in"
        " ('web3', 'eth_account', 'eth_utils', 'eth_abi', 'eth_hash')))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "[]"
