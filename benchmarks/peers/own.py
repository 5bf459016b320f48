"""The gateway, in the same sale: one paid order is one request, and its good is a unique code."""

import secrets
from dataclasses import dataclass

import aiohttp

from benchmarks.peers.sale import Books, Failed, Refused
from benchmarks.processes import run_sql

PRICE = {"amount": 1000, "currency": "EUR"}


@dataclass(frozen=True)
class Own:
    """A running gateway. `products` are the offers of what is on sale."""

    url: str
    token: str
    products: list[str]
    database: str
    name: str = "VGCP gateway"

    def guest(self, http: aiohttp.ClientSession, product: str) -> "Guest":
        """Somebody who wants one of these."""
        return Guest(http, self, product)

    def books(self, product: str, units: int) -> Books:
        """Orders that are not cancelled, those among them with a code of their own, and the stock's counters."""
        stock = f"(SELECT stock_id FROM offers WHERE id = '{product}')"
        orders = f"SELECT id FROM orders WHERE lines::text LIKE '%{product}%' AND status <> 'cancelled'"
        goods = (
            "SELECT count(DISTINCT u.id) FROM units u JOIN deliveries d ON d.unit_id = u.id"
            f" AND d.order_id = u.order_id WHERE u.stock_id = {stock} AND u.order_id IN ({orders})"
        )
        paid = run_sql(self.database, f"SELECT count(*) FROM ({orders}) AS found")[0][0]
        counters = f"SELECT sold, available FROM stocks WHERE id = {stock}"
        return Books(paid, run_sql(self.database, goods)[0][0], *run_sql(self.database, counters)[0])


class Guest:
    """A buyer at a channel: the basket is the channel's, so there is nothing to prepare."""

    def __init__(self, http: aiohttp.ClientSession, shop: Own, product: str) -> None:
        self._http, self._shop, self._product = http, shop, product

    async def prepare(self) -> None:
        """Nothing that the gateway would have to know."""

    async def pay(self) -> None:
        """The channel has collected the money and orders; the answer must say `fulfilled`."""
        name = secrets.token_hex(11)
        body = {
            "reference": name,
            "buyer": {"reference": name, "region": "DE"},
            "lines": [{"offer_id": self._product, "quantity": 1, "unit_price": PRICE}],
            "payment": {"status": "collected"},
        }
        headers = {"authorization": f"Bearer {self._shop.token}", "idempotency-key": name}
        url = f"{self._shop.url}/vgcp/v1/orders"
        async with self._http.post(url, json=body, headers=headers) as answer:
            said = await answer.json(content_type=None)
        if answer.status == 409 and said["code"] == "out_of_stock":
            raise Refused("out_of_stock")
        if answer.status != 201 or said["status"] != "fulfilled":
            raise Failed(f"{answer.status}: {said.get('code') or said.get('status')}")
