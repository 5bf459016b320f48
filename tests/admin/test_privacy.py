"""The merchant hands out and forgets what is held about buyers."""

from __future__ import annotations

import asyncio
import json
import zipfile

from gateway.core import erasure, identity
from gateway.core.model import Order
from gateway.core.model_identity import Account
from tests.admin.conftest import Merchant
from tests.storage.test_combiner import order_of
from tests.storage.world import call_of, open_shop

EMAIL = "mia@shop.example"


async def _known(merchant: Merchant) -> Account:
    """A buyer with an address and an order; orders of these tests are of the buyer b1."""
    async with open_shop(merchant.database, merchant.ring) as shop:
        channel = await shop.channel()
        run = order_of(channel, await shop.offer(codes=["SECRET-1", "SECRET-2"]), "r1")
        await shop.store.run(lambda books: run(books, shop.store.vault))
        call, cmd = call_of(channel.id), identity.ResolveBuyer("b1", EMAIL)
        return (
            await shop.store.run(lambda b: identity.resolve_buyer(b, shop.store.vault, call, cmd))
        ).account


async def _orders(merchant: Merchant) -> list[Order]:
    async with open_shop(merchant.database, merchant.ring) as shop:
        return await shop.rows(Order)


def test_everything_of_a_buyer_in_one_file(merchant: Merchant) -> None:
    """All but goods, with what her address is and who calls her what; nobody's archive for an unknown id."""
    account = asyncio.run(_known(merchant))
    path = merchant.file("mia.zip", "")
    assert merchant.json("buyer", "export", account.id, path)["bytes"] > 100
    with zipfile.ZipFile(path) as packed:
        found = {name: packed.read(name).decode() for name in packed.namelist()}
    assert json.loads(found["contacts.ndjson"])["value"] == EMAIL
    assert json.loads(found["accounts.ndjson"])["subject"] == "b1"
    assert json.loads(found["orders.ndjson"])["reference"] == "r1"
    assert json.loads(found["manifest.json"])["scope"] == "all_channels"
    assert "SECRET" not in str(found)
    assert "not_found" in merchant.run("buyer", "export", "buy_nobody", path, code=1).output


def test_a_buyer_is_forgotten(merchant: Merchant) -> None:
    """As her channel would; then nobody is there, the order stays, and the books balance."""
    account = asyncio.run(_known(merchant))
    done = merchant.json("buyer", "erase", account.id, "--all-channels")
    assert {"what": "orders", "why": "accounting"} in done["kept"]
    assert merchant.run("buyer", "erase", account.id, code=1)
    (order,) = asyncio.run(_orders(merchant))
    assert order.buyer_reference.startswith(erasure.PREFIX)
    assert merchant.json("audit")["balanced"] is True


def test_retention_is_tried_before_it_is_applied(merchant: Merchant) -> None:
    """Nothing is old here; a period that is none is said to be none."""
    asyncio.run(_known(merchant))
    tried = merchant.json("retention", "--dry-run", "--days", "fulfilment=1")
    assert tried["rows"] == {"fulfilment": 0, "fraud_prevention": 0, "consent_records": 0}
    assert tried["days"]["fulfilment"] == 1
    assert "forgotten" in merchant.run("retention").stdout
    assert "moon" in merchant.run("retention", "--days", "moon=1", code=2).output
