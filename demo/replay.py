"""Replay a real order stream as purchases through the protocol, over five channels at once."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from orders import PastOrder
from reference_channels.kit import trace
from reference_channels.kit.client import GatewayClient, discover, every
from reference_channels.kit.errors import GatewayError, NoAnswer, Problem
from reference_channels.kit.tokens import Credentials

BUYERS_AT_ONCE = 32
Json = dict[str, Any]


@dataclass
class Tally:
    """What became of the stream. `digests` are SHA-256 of the codes handed out; the codes themselves are not kept."""

    orders: int = 0
    units: int = 0
    revenue: int = 0  # US cents, of orders that were fulfilled
    codes_delivered: int = 0
    licences_delivered: int = 0
    links_delivered: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    by_channel: Counter[str] = field(default_factory=Counter)
    by_product: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    digests: list[bytes] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def delivered_twice(self) -> int:
        """How many codes went out to more than one delivery."""
        return len(self.digests) - len(set(self.digests))


class Replay:
    """Five channels, each with its own credentials, selling one stock."""

    def __init__(self, channels: dict[str, Json], gateway_url: str) -> None:
        self._channels = channels
        self._url = gateway_url
        self._clients: dict[str, GatewayClient] = {}
        self._offers: list[Json] = []
        self.tally = Tally()

    async def run(self, history: Iterable[PastOrder], progress: Callable[[Tally], None]) -> Tally:
        """Buy everything in the history, many buyers at once; calls `progress` after each order."""
        queue = iter(enumerate(history))
        connector = aiohttp.TCPConnector(limit=4 * BUYERS_AT_ONCE)
        async with aiohttp.ClientSession(connector=connector) as http:
            document = await discover(http, self._url)
            for name, made in self._channels.items():
                credentials = Credentials(made["client_id"], made["client_secret"])
                self._clients[name] = GatewayClient(http, document, credentials)
            first = next(iter(self._clients.values()))
            entries = await every(lambda cursor: first.list_offers(cursor))
            self._offers = [entry["offer"] for entry in entries if not entry["deleted"]]
            started = time.monotonic()
            async with asyncio.TaskGroup() as group:
                for _ in range(BUYERS_AT_ONCE):
                    group.create_task(self._buyer(queue, progress))
            self.tally.seconds = time.monotonic() - started
        return self.tally

    async def _buyer(self, queue: Any, progress: Callable[[Tally], None]) -> None:
        for number, past in queue:
            name = self._channel_of(past)
            trace.current.set(trace.new_trace())
            try:
                await self._purchase(self._clients[name], name, number, past)
            except Problem as problem:
                self.tally.refused[problem.code] += 1
            except GatewayError as error:
                self.tally.unknown += isinstance(error, NoAnswer)
            progress(self.tally)

    async def _purchase(self, client: GatewayClient, name: str, number: int, past: PastOrder) -> None:
        """One row of the history. Every third buyer holds first, the others order directly; all open the goods."""
        offer = self._nearest(past)
        buyer = {"reference": f"customer-{past.customer}", "region": "US"}
        line: Json = {"offer_id": offer["id"], "quantity": past.units, "unit_price": offer["price"]}
        if number % 3 == 0:
            hold = {"offer_id": offer["id"], "quantity": past.units, "buyer": buyer}
            line["reservation_id"] = (await client.create_reservation(hold, secrets.token_hex(16)))["id"]
        payment = {"status": "collected", "method": "card", "reference": f"paid-{number}"}
        request = {"reference": f"cdnow-{number}", "buyer": buyer, "lines": [line], "payment": payment}
        order = await client.create_order(request, secrets.token_hex(16))
        self.tally.orders += 1
        self.tally.units += past.units
        self.tally.revenue += order["total"]["amount"]
        self.tally.by_channel[name] += 1
        self.tally.by_product[offer["product"]["name"]] += past.units
        await self._open(client, order)

    async def _open(self, client: GatewayClient, order: Json) -> None:
        """The buyer opens all goods of an order at once."""
        ready = await every(lambda cursor: client.list_deliveries(order["id"], cursor))
        keys = [(each["id"], "buyer_request", secrets.token_hex(16)) for each in ready]
        for opened in await asyncio.gather(*(client.reveal_delivery(*key) for key in keys)):
            self._count(opened["goods"])

    def _count(self, goods: Json) -> None:
        if goods["kind"] == "code":
            self.tally.codes_delivered += 1
            self.tally.digests.append(hashlib.sha256(goods["code"]["value"].encode()).digest())
        elif goods["kind"] == "licence":
            self.tally.licences_delivered += 1
            self.tally.digests.append(hashlib.sha256(goods["licence"]["key"].encode()).digest())
        else:
            self.tally.links_delivered += 1

    def _nearest(self, past: PastOrder) -> Json:
        """The good whose price is nearest to what a unit cost in the history."""
        return min(self._offers, key=lambda offer: abs(offer["price"]["amount"] * past.units - past.cents))

    def _channel_of(self, past: PastOrder) -> str:
        """A customer keeps to one door."""
        names = list(self._channels)
        return names[int(past.customer) % len(names)]
