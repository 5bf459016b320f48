"""The merchant and goods made on demand: what is sold so, and what becomes of units that nobody knows of."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import supplies as command
from gateway.core import orders, supplies
from gateway.core.model import Delivery, Order
from gateway.core.model_supplies import Supply
from tests.admin.conftest import Merchant
from tests.storage.world import call_of, open_shop

CATALOGUE = """
currency: EUR
products:
  - {id: credits, name: Credits, category: topup, price: 500, delivery_kind: topup, supplier: acme}
"""


async def _park(merchant: Merchant) -> str:
    """A unit that was asked for, and of which nothing more is known; its id."""
    async with open_shop(merchant.database, merchant.ring) as shop:
        channel, vault = await shop.channel(), shop.store.vault
        offer = await shop.offer(on_demand={"supplier": "silent"})
        price = {"amount": 1000, "currency": "EUR"}
        body: dict[str, Any] = {
            "reference": "web-1",
            "buyer": {"reference": "b1"},
            "lines": [{"offer_id": offer.id, "quantity": 1, "unit_price": price}],
            "payment": {"status": "collected"},
        }
        call, wish = call_of(channel.id), orders.CreateOrder.from_wire(body)
        await shop.store.run(lambda books: orders.create_order(books, vault, call, wish))
        (unit,) = await shop.rows(Supply)
        await shop.store.run(lambda books: supplies.ask(books, call, unit.id, 0))
        await shop.store.run(lambda books: supplies.park(books, call, unit.id, "nobody knows"))
        return unit.id


async def _seen(merchant: Merchant) -> tuple[str, str, list[Any]]:
    """States of the unit and of its order, and the deliveries."""
    async with open_shop(merchant.database, merchant.ring) as shop:
        (unit,), (order,) = await shop.rows(Supply), await shop.rows(Order)
        assert await shop.store.audit() == []
        return unit.state, order.status, await shop.rows(Delivery)


def run(merchant: Merchant, *words: str, code: int = 0, typed: str = "") -> Result:
    """`vgcp supplies …`."""
    environment = {"VGCP_DATABASE": merchant.database, "VGCP_VAULT_KEYS": merchant.ring}
    done = CliRunner().invoke(command, list(words), env=environment, input=typed)
    assert done.exit_code == code, done.output
    return done


def test_listed(merchant: Merchant) -> None:
    """What is parked is listed, for people and for programs."""
    assert json.loads(run(merchant, "list", "--json").stdout) == []
    name = asyncio.run(_park(merchant))
    (row,) = json.loads(run(merchant, "list", "--json").stdout)
    assert (row["supply"], row["state"], row["last_error"]) == (name, "parked", "nobody knows")
    assert name in run(merchant, "list").stdout
    assert name in run(merchant, "list", "--all").stdout


@pytest.mark.parametrize(
    ("word", "state", "status"),
    [
        ("retry", "asked", "fulfilling"),
        ("refuse", "refused", "fulfilment_failed"),
        ("deliver", "made", "fulfilled"),
    ],
)
def test_decided(merchant: Merchant, word: str, state: str, status: str) -> None:
    """Once: looked after again, given up with the money back, or delivered from standard input."""
    name = asyncio.run(_park(merchant))
    run(merchant, word, name, typed="THE-GOODS\n")
    seen = asyncio.run(_seen(merchant))
    assert seen[:2] == (state, status)
    assert len(seen[2]) == (word == "deliver")
    assert "transition_not_allowed" in run(merchant, word, name, code=1, typed="OTHER\n").stderr
    assert "not_found" in run(merchant, word, "sup_nobody", code=1, typed="OTHER\n").stderr


def test_nothing_typed(merchant: Merchant) -> None:
    """Goods come from standard input, and not from nowhere."""
    assert "standard input" in run(merchant, "deliver", "sup_x", code=2).stderr


def test_imported(merchant: Merchant) -> None:
    """A product with a supplier, which can be another one later; but it never gets a stock."""
    path = merchant.file("shop.yaml", CATALOGUE)
    assert merchant.json("import", path)["products_created"] == 1
    assert merchant.json("import", path)["products_unchanged"] == 1
    merchant.file("shop.yaml", CATALOGUE.replace("acme", "other"))
    assert merchant.json("import", path)["products_changed"] == 1
    merchant.file("shop.yaml", CATALOGUE.replace("topup, supplier: acme", "licence"))
    assert "product id of its own" in merchant.run("import", path, code=1).stderr


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (", supplier: acme", "", "a topup needs the supplier"),
        ("supplier: acme", "supplier: acme, quantity: 3", "with none of"),
        (
            "delivery_kind: topup",
            "delivery_kind: download, download_url: 'https://x.example'",
            "with none of",
        ),
        ("supplier: acme", "supplier: [acme]", "a supplier's name"),
    ],
)
def test_faults_of_a_catalogue(merchant: Merchant, before: str, after: str, said: str) -> None:
    """What does not go together is named, and nothing is imported."""
    path = merchant.file("shop.yaml", CATALOGUE.replace(before, after))
    assert said in merchant.run("import", path, code=1).stderr
