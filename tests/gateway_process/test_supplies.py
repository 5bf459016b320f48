"""Goods made on demand, by the gateway as its operator runs it and a supplier over HTTP; killed in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.forked import vgcp
from tests.fixtures.gateway import RunningGateway, TestChannel, environment, order_of, subprocess_gateway
from tests.fixtures.supplier import SECRET, LocalSupplier, local_supplier
from tests.gateway_process.test_crash import kill, moved

ACCOUNT = "LEAKCHECK-ACCOUNT-4711"
CATALOGUE = """
currency: EUR
products:
  - id: coins
    name: Coins
    category: topup
    delivery_kind: topup
    price: 500
    supplier: acme
    buyer_input: {type: object, required: [account], properties: {account: {type: string, minLength: 5}}}
"""


@pytest.fixture
async def supplier() -> AsyncIterator[LocalSupplier]:
    """One on loopback."""
    async with local_supplier() as one:
        yield one


def options(supplier: LocalSupplier, folder: Path) -> tuple[str, ...]:
    """What the gateway is started with."""
    path = folder / "suppliers.yaml"
    path.write_text(f"suppliers:\n  acme: {{url: '{supplier.url}', secret: '{SECRET}', timeout: 5}}\n")
    return ("--suppliers", str(path))


def merchant(database: str, folder: Path, *words: str) -> None:
    """A merchant's command, which succeeds."""
    code, said = vgcp(["gateway", *words], folder, environment() | {"VGCP_DATABASE": database})
    assert code == 0, said


async def sold(gateway: RunningGateway, folder: Path) -> tuple[TestChannel, str]:
    """A channel, and the id of an order of two top-ups that it has paid."""
    (folder / "catalogue.yaml").write_text(CATALOGUE)
    await asyncio.to_thread(merchant, gateway.database, folder, "import", "catalogue.yaml")
    shop = await gateway.channel()
    async with asyncio.timeout(10):
        while not (page := (await shop.get("/offers")).json)["items"]:
            await asyncio.sleep(0.05)
    body = order_of(page["items"][0]["offer"], 2)
    bad = {**body, "lines": [{**body["lines"][0], "buyer_input": {"account": "x"}}]}
    refused = await shop.post("/orders", bad)
    assert (refused.status, refused.code) == (422, "buyer_input_invalid")
    assert refused.json["errors"][0]["pointer"] == "/lines/0/buyer_input/account"
    assert (await shop.get("/orders")).json["items"] == []
    body["lines"][0]["buyer_input"] = {"account": ACCOUNT}
    made = await shop.post("/orders", body)
    assert (made.status, made.json["status"]) == (201, "fulfilling")
    return shop, str(made.json["id"])


async def ended(shop: TestChannel, order_id: str) -> Any:
    """The order, once it waits no more."""
    async with asyncio.timeout(20):
        while (order := (await shop.get(f"/orders/{order_id}")).json)["status"] == "fulfilling":
            await asyncio.sleep(0.05)
    return order


async def test_a_topup_from_end_to_end(database_url: str, tmp_path: Path, supplier: LocalSupplier) -> None:
    """Imported, ordered, made over HTTP and opened; account and receipts are in no log; the books balance."""
    with subprocess_gateway(database_url, tmp_path, *options(supplier, tmp_path)) as gateway:
        shop, order_id = await sold(gateway, tmp_path)
        assert (await ended(shop, order_id))["status"] == "fulfilled"
        found = (await shop.get(f"/orders/{order_id}/deliveries")).json["items"]
        opened = [(await shop.post(f"/deliveries/{one['id']}/reveal")).json["goods"] for one in found]
        events = (await shop.get("/events")).body.decode()
    assert {one["topup"]["receipt"] for one in opened} == set(supplier.made.values())
    assert {body["buyer_input"]["account"] for body in supplier.bodies} == {ACCOUNT}
    assert gateway.log_path is not None
    for text in (gateway.log_path.read_text(), events):
        assert not [one for one in (ACCOUNT, SECRET, *supplier.made.values()) if one in text]
    merchant(database_url, tmp_path, "audit")


@pytest.mark.parametrize("trouble", ["slow after making", "hang"])
async def test_killed_while_the_call_is_out(
    database_url: str, tmp_path: Path, supplier: LocalSupplier, trouble: str
) -> None:
    """SIGKILL between `asked` and the answer, with the goods made and not: the next process finds out; two in all."""
    supplier.manner = trouble
    with subprocess_gateway(database_url, tmp_path, *options(supplier, tmp_path)) as first:
        shop, order_id = await sold(first, tmp_path)
        async with asyncio.timeout(10):
            while len(supplier.bodies) < 2:
                await asyncio.sleep(0.02)
        kill(first)
    assert supplier.makings == (2 if trouble == "slow after making" else 0)
    supplier.manner = "make"
    with subprocess_gateway(database_url, tmp_path, *options(supplier, tmp_path)) as second:
        shop = moved(shop, second)
        assert (await shop.get(f"/orders/{order_id}")).json["status"] == "fulfilling"
        await second.control("/clock", {"advance_seconds": 100})  # the leases are over, and all is done
        assert (await ended(shop, order_id))["status"] == "fulfilled"
        found = (await shop.get(f"/orders/{order_id}/deliveries")).json["items"]
    assert (len(found), supplier.makings) == (2, 2)
    merchant(database_url, tmp_path, "audit")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("suppliers: [", "is no YAML"),
        ("nothing: 1", "no mapping"),
        ("suppliers: {sandbox.makes: {url: 'https://x.example'}}", "does not begin with sandbox."),
        ("suppliers: {a: {url: 'https://x.example', secret_env: NOT_THERE}}", "has no NOT_THERE"),
        ("suppliers: {a: {url: 'https://x.example', secret: whsec_short}}", "at least 24 bytes"),
        ("suppliers: {a: {url: 'ftp://x.example'}}", "url is the URL"),
        ("suppliers: {a: {adapter: theirs}}", "no adapter 'theirs'"),
        ("suppliers: {a: {urll: 1}}", "unknown: urll"),
    ],
)
def test_a_file_that_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    """The gateway does not start, says why in a line, and shows no secret."""
    (tmp_path / "suppliers.yaml").write_text(text)
    words = ["gateway", "serve", "--port", "0", "--suppliers", "suppliers.yaml"]
    code, told = vgcp(words, tmp_path, environment())
    assert code == 1
    assert said in told
    assert "Traceback" not in told
    assert "whsec_" not in told.replace("secret_env names) is whsec_ and", "")
