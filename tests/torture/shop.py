"""A channel under test: it sends intents under idempotency keys, and keeps a ledger of what it was told."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.fixtures.gateway import TEST_SECRET

API = "/vgcp/v1"
TRYING = 60.0  # seconds in which an intent must come to an end
BROKEN = (aiohttp.ClientError, TimeoutError, ConnectionError)


@dataclass(frozen=True)
class Intent:
    """One change that a channel wants, the same each time it is sent."""

    path: str
    body: dict[str, Any]
    method: str = "POST"
    key: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Any
    json: Any

    @property
    def code(self) -> str:
        """The problem's, or the status."""
        return str(self.json.get("code")) if self.status >= 400 else str(self.status)


@dataclass
class Ledger:
    """What the channel knows: orders by id as last seen, intents that had no answer, and how often what happened."""

    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    open: dict[str, Intent] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)

    def note(self, intent: Intent, answer: Answer) -> None:
        """An intent came to an end, or did not."""
        self.answers[answer.code] += 1
        if answer.status == 503:
            if "Retry-After" not in answer.headers or answer.code != "unavailable":
                self.bad.append(f"503 without its signs: {answer.json}")
            return
        if answer.status >= 500 or answer.status == 401:
            self.bad.append(f"{intent.path}: {answer.status} {answer.json}")
        self.open.pop(intent.key, None)
        if answer.status < 300 and str(answer.json.get("id", "")).startswith("ord_"):
            self.orders[answer.json["id"]] = answer.json
        for sold in answer.json.get("results", []) if answer.status < 300 else []:
            if sold["status"] == "accepted":
                self.orders.setdefault(sold["order_id"], {"id": sold["order_id"], "status": "fulfilled"})


class Shop:
    """One channel at any number of gateways on the same books. Use as an async context manager."""

    def __init__(
        self, client_id: str, client_secret: str, timeout: float = 20, connections: int = 256
    ) -> None:
        self.client_id, self._secret = client_id, client_secret
        self.ledger = Ledger()
        self._tokens: dict[str, tuple[str, float]] = {}  # by gateway, and until when each is used
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._connections = connections

    async def __aenter__(self) -> Shop:
        connector = aiohttp.TCPConnector(limit=self._connections, force_close=False)
        self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def _token(self, url: str) -> str:
        token, until = self._tokens.get(url, ("", 0.0))
        if time.monotonic() >= until:
            form = {"grant_type": "client_credentials", "client_id": self.client_id}
            form["client_secret"] = self._secret
            async with self._session.post(f"{url}{API}/oauth/token", data=form) as answer:
                found = await answer.json()
                if answer.status != 200:
                    raise aiohttp.ClientError(f"no token: {answer.status} {found}")
                token, until = found["access_token"], time.monotonic() + found["expires_in"] / 2
                self._tokens[url] = token, until
        return token

    async def get(self, url: str, path: str) -> Answer:
        """Read. Raises what BROKEN has."""
        headers = {"Authorization": f"Bearer {await self._token(url)}"}
        async with self._session.get(f"{url}{API}{path}", headers=headers) as answer:
            return Answer(answer.status, answer.headers.copy(), await answer.json())

    async def send(self, url: str, intent: Intent) -> Answer | None:
        """Try once; None when no answer came."""
        self.ledger.open[intent.key] = intent
        begun = time.perf_counter()
        try:
            headers = {"Authorization": f"Bearer {await self._token(url)}", "Idempotency-Key": intent.key}
            where, body = f"{url}{API}{intent.path}", intent.body if intent.method == "POST" else None
            async with self._session.request(intent.method, where, json=body, headers=headers) as got:
                answer = Answer(got.status, got.headers.copy(), await got.json())
        except BROKEN as error:
            self.ledger.answers[type(error).__name__] += 1
            return None
        self.ledger.took.append(time.perf_counter() - begun)
        self.ledger.note(intent, answer)
        return answer

    async def recover(self, url: str) -> int:
        """Send again what had no answer, under its key, until it has one; how many there were."""
        left = list(self.ledger.open.values())
        await asyncio.gather(*(self._until_answered(url, intent) for intent in left))
        return len(left)

    async def _until_answered(self, url: str, intent: Intent) -> None:
        deadline = time.monotonic() + TRYING
        while intent.key in self.ledger.open:
            if time.monotonic() > deadline:
                raise AssertionError(f"{intent} had no answer within {TRYING} s")
            answer = await self.send(url, intent)
            if answer is None or answer.status == 503:
                await asyncio.sleep(0.1)


@dataclass
class Buyer:
    """Buys in all ways that there are, one visit after the other."""

    shop: Shop
    urls: list[str]
    offers: list[dict[str, Any]]
    dice: random.Random
    visits: int = 0

    async def visit(self) -> None:
        """One of the ways. Whatever has no answer ends the visit; the shop's ledger has it."""
        self.visits += 1
        ways = [self.buy, self.buy, self.buy, self.hold, self.wait, self.lease, self.look]
        try:
            await self.dice.choice(ways)(self.dice.choice(self.urls))
        except BROKEN:
            await asyncio.sleep(0.02)

    async def buy(self, url: str) -> None:
        """A paid order, now and then opened."""
        answer = await self._order(url, "collected", self._who(), self._line())
        if answer is not None and self.dice.random() < 0.2:
            await self._open(url, answer.json["id"])

    async def hold(self, url: str) -> None:
        """A hold that is extended, given back, sold, or forgotten."""
        line, who = self._line(), self._who()
        body = {"offer_id": line["offer_id"], "quantity": line["quantity"], "buyer": who}
        held = await self._post(url, "/reservations", {**body, "ttl_seconds": self.dice.choice([1, 2, 600])})
        if held is None:
            return
        way, url = self.dice.choice(["extend", "release", "order", "order", "forget"]), self._any_url()
        path = f"/reservations/{held.json['id']}"
        if way == "extend":
            await self._post(url, f"{path}/extend", {})
        elif way == "release":
            await self.shop.send(url, Intent(path, {}, "DELETE"))
        elif way == "order":
            line = {**line, "reservation_id": held.json["id"], "unit_price": held.json["unit_price"]}
            await self._order(url, self.dice.choice(["collected", "pending"]), who, line)

    async def wait(self, url: str) -> None:
        """An order of two lines to be paid, which is paid, cancelled or left."""
        made = await self._order(url, "pending", self._who(), self._line(), self._line())
        if made is None:
            return
        path, way = f"/orders/{made.json['id']}", self.dice.choice(["pay", "pay", "cancel", "forget"])
        if way == "pay":
            await self._post(self._any_url(), f"{path}/payment", {"amount": made.json["total"]})
        elif way == "cancel":
            await self._post(self._any_url(), f"{path}/cancel", {})

    async def lease(self, url: str) -> None:
        """Some units, of which some sales are reported, some of them again; the rest is given back or forgotten."""
        offer = self.dice.choice(self.offers)
        wish = {"offer_id": offer["id"], "quantity": 3, "ttl_seconds": self.dice.choice([1, 2, 600])}
        made = await self._post(url, "/allotments", wish)
        if made is None:
            return
        path = f"/allotments/{made.json['id']}"
        sales = [self._sale(made.json) for _ in range(self.dice.randint(1, 4))]
        for _ in range(self.dice.randint(1, 2)):
            await self._post(self._any_url(), f"{path}/sales", {"sales": sales})
        if self.dice.random() < 0.5:
            await self._post(self._any_url(), f"{path}/release", {})

    async def look(self, url: str) -> None:
        """The feed of offers."""
        answer = await self.shop.get(url, "/offers?limit=100")
        self.shop.ledger.answers[f"read {answer.status}"] += 1
        if answer.status not in (200, 503):
            self.shop.ledger.bad.append(f"/offers: {answer.status} {answer.json}")

    async def _post(self, url: str, path: str, body: dict[str, Any]) -> Answer | None:
        """None unless it succeeded."""
        answer = await self.shop.send(url, Intent(path, body))
        return answer if answer is not None and answer.status < 300 else None

    async def _order(
        self, url: str, status: str, who: dict[str, Any], *lines: dict[str, Any]
    ) -> Answer | None:
        body = {"reference": secrets.token_hex(12), "buyer": who, "lines": [*lines]}
        return await self._post(url, "/orders", {**body, "payment": {"status": status}})

    async def _open(self, url: str, order_id: str) -> None:
        page = await self.shop.get(url, f"/orders/{order_id}/deliveries")
        for row in page.json.get("items", []) if page.status == 200 else []:
            opened = await self._post(url, f"/deliveries/{row['id']}/reveal", {})
            if opened is not None:
                self.shop.ledger.codes[row["id"]] = str(opened.json["goods"])

    def _any_url(self) -> str:
        return self.dice.choice(self.urls)

    def _line(self) -> dict[str, Any]:
        offer = self.dice.choice(self.offers)
        return {"offer_id": offer["id"], "quantity": self.dice.randint(1, 2), "unit_price": offer["price"]}

    def _sale(self, lease: dict[str, Any]) -> dict[str, Any]:
        return {
            "reference": secrets.token_hex(12),
            "quantity": 1,
            "unit_price": lease["unit_price"],
            "buyer": self._who(),
            "sold_at": lease["created_at"],
        }

    def _who(self) -> dict[str, Any]:
        return {"reference": f"buyer-{self.dice.randrange(100)}", "region": "DE"}


async def control(url: str, path: str, body: dict[str, Any]) -> Any:
    """Test control; demands success."""
    headers = {"VGCP-Test-Secret": TEST_SECRET}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}{API}/test{path}", json=body, headers=headers) as answer,
    ):
        found = await answer.json()
        if answer.status >= 300:
            raise AssertionError(f"{path}: {answer.status} {found}")
        return found
