"""A scripted gateway and a real shop on loopback, for the tests of the channel."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from conformance.driver.played_gateway import PlayedGateway
from conformance.transcript import Transcript
from reference_channels.kit.openid import Provider
from reference_channels.kit.retry import Policy
from reference_channels.kit.tokens import Credentials
from reference_channels.trade.link import Connection
from reference_channels.trade.settings import TRADE, Settings, Trade
from reference_channels.webshop.app import build
from tests.fixtures.databases import sqlite_database
from tests.fixtures.gateway import RunningGateway, in_process
from tests.reference_channels.ada import Ada
from tests.reference_channels.plain import Browser
from tests.reference_channels.scripted import SECRET, ScriptedGateway

TEST_SECRET = "only-for-tests"
# Quick, so that tests are; the shape is that of production.
POLICY = Policy(tries=4, first_pause=0.01, longest_pause=0.05, budget=3.0, timeout=1.0)


@dataclass
class RunningShop:
    """A shop that takes requests. `parts` are its insides, `control` its test control."""

    url: str
    parts: Trade
    http: aiohttp.ClientSession

    async def control(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Test control below /vgcp/v1/test: status and JSON."""
        sent = {"VGCP-Test-Secret": TEST_SECRET, **headers}
        url = f"{self.url}/vgcp/v1/test{path}"
        async with self.http.request(method, url, json=body, headers=sent) as answer:
            text = await answer.text()
            assert answer.status < 300, text
            return await answer.json() if text else None

    async def buy(self, offer: dict[str, Any], intent: str = "intent-1", **members: Any) -> Any:
        """Press the button through test control."""
        asked = {
            "intent_id": intent,
            "offer_id": offer["id"],
            "quantity": 1,
            "buyer_reference": "ada",
        } | members
        return await self.control("POST", "/purchases", asked)

    async def sync(self) -> None:
        """Catch up now."""
        await self.control("POST", "/sync")

    async def shelf(self) -> dict[str, Any]:
        """What is on sale, by offer id."""
        return {item["offer_id"]: item for item in (await self.control("GET", "/shelf"))["items"]}


@asynccontextmanager
async def running_shop(
    data: Path,
    gateway: str | None,
    client: tuple[str, str, str] = ("shop", "s3cret", SECRET),
    providers: Sequence[Provider] = (),
    **options: Any,
) -> AsyncIterator[RunningShop]:
    """A shop on a port of its own, stopped gracefully in the end."""
    connection = Connection(gateway, Credentials(*client)) if gateway else None
    bound = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    chosen = {
        "public_url": url,
        "test_secret": TEST_SECRET,
        "connection": connection,
        "policy": POLICY,
        "worker_pause": 0.05,
    } | options
    app = build(Settings(data=data, **chosen), providers)
    async with serving(app, bound) as running:
        yield running


@asynccontextmanager
async def serving(app: web.Application, bound: socket.socket) -> AsyncIterator[RunningShop]:
    """A channel on a bound port, stopped gracefully in the end."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.SockSite(runner, bound).start()
    async with aiohttp.ClientSession() as http:
        try:
            yield RunningShop(f"http://127.0.0.1:{bound.getsockname()[1]}", app[TRADE], http)
        finally:
            await runner.cleanup()


@pytest.fixture
async def gateway() -> AsyncIterator[ScriptedGateway]:
    """A gateway that does what it is told."""
    async with ScriptedGateway() as running:
        yield running


@pytest.fixture
async def shop(gateway: ScriptedGateway, tmp_path: Path) -> AsyncIterator[RunningShop]:
    """A sandbox shop that trades with that gateway and has not read its feeds yet."""
    async with running_shop(tmp_path, gateway.url, sync_every=3600) as running:
        yield running


@pytest.fixture
async def browser(shop: RunningShop) -> AsyncIterator[Browser]:
    """An English browser without scripts."""
    async with Browser(shop) as running:
        yield running


@pytest.fixture
async def played() -> AsyncIterator[PlayedGateway]:
    """A gateway that knows buyers, also by a passkey."""
    async with PlayedGateway(Transcript()) as running:
        yield running


@pytest.fixture
async def providers() -> Sequence[Provider]:
    """By which buyers may link their accounts; a test may have some."""
    return ()


@pytest.fixture
async def lumen(
    played: PlayedGateway, providers: Sequence[Provider], tmp_path: Path
) -> AsyncIterator[RunningShop]:
    """A shop that trades there."""
    client = played.client
    known = (client["client_id"], client["client_secret"], client["webhook_secret"])
    async with running_shop(tmp_path, played.url, known, providers, sync_every=3600) as shop:
        yield shop


@pytest.fixture
async def ada(lumen: RunningShop, played: PlayedGateway) -> AsyncIterator[Ada]:
    """She has bought Harbour Nights."""
    async with Ada(lumen) as browser:
        await browser.shops(played)
        yield browser


@pytest.fixture
async def real(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[RunningGateway]:
    """A sandbox gateway on SQLite."""
    with in_process(sqlite_database(tmp_path, sqlite_template)) as running:
        yield running


@pytest.fixture
async def shops(
    real: RunningGateway, providers: Sequence[Provider], tmp_path: Path
) -> AsyncIterator[list[RunningShop]]:
    """Two shops, Lumen and Nacre, that trade with it."""
    async with AsyncExitStack() as stack:
        found = []
        for name in ("Lumen", "Nacre"):
            place = running_shop(tmp_path / name, None, providers=providers, name=name, sync_every=3600)
            shop = await stack.enter_async_context(place)
            client = await real.channel(name, channel_url=shop.url)
            names = ("client_id", "client_secret", "webhook_secret")
            known = {"url": real.url} | {each: getattr(client, each) for each in names}
            await shop.control("POST", "/reset", {"gateway": known})
            found.append(shop)
        yield found
