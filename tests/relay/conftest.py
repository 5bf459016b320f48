"""A gateway's books and relay over real databases, and channels that listen on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.relay.sender import Limits, Sender
from gateway.relay.signing import Signer
from gateway.storage.engine import open_engine
from gateway.storage.keys import new_entry
from gateway.storage.outbox import Outbox
from gateway.storage.vault import AesVault
from tests.core.stores import DatabaseStore
from tests.core.world import World
from tests.relay.supplying import Works, open_works

Reply = Callable[[int], Awaitable[web.Response]]


@dataclass
class Receiver:
    """A channel's events endpoint. `reply` is asked with the number of the request, from 1."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    reply: Reply | None = None

    async def take(self, request: web.Request) -> web.Response:
        """One event."""
        body = await request.read()
        self.got.append(({name.lower(): value for name, value in request.headers.items()}, body))
        if self.reply is not None:
            return await self.reply(len(self.got))
        return web.Response(status=204)

    @property
    def events(self) -> list[dict[str, Any]]:
        """What came, parsed."""
        return [json.loads(body) for _, body in self.got]


def statuses(*codes: int, **headers: str) -> Reply:
    """Answer these, then 204."""

    async def reply(number: int) -> web.Response:
        status = codes[number - 1] if number <= len(codes) else 204
        return web.Response(status=status, headers=headers if status != 204 else {})

    return reply


@pytest.fixture
async def listen() -> AsyncIterator[Callable[[], Awaitable[Receiver]]]:
    """Makes receivers."""
    runners: list[web.AppRunner] = []

    async def make() -> Receiver:
        receiver, app = Receiver(), web.Application()
        app.router.add_post("/events", receiver.take)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/events"
        return receiver

    yield make
    for runner in runners:
        await runner.cleanup()


class Keys:
    """One signing key."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()

    def current(self) -> tuple[str, Ed25519PrivateKey]:
        """As the port says."""
        return "key_1", self.key


@dataclass
class House:
    """A world with an outbox and a sender."""

    world: World
    outbox: Outbox
    sender: Sender
    keys: Keys
    session: aiohttp.ClientSession
    database_url: str

    def new_sender(self, **limits: Any) -> Sender:
        """Another one, as after a restart."""
        signer = Signer(self.world.vault, self.keys)
        return Sender(self.outbox, signer, self.session, lambda: self.world.now, Limits(**limits))

    def open_vault(self, ring: str) -> None:
        """Go on with another process's vault keys."""
        self.world.vault = AesVault(ring)
        self.sender = self.new_sender()

    async def send(self, sender: Sender | None = None) -> int:
        """One round, until what it began has ended and is written down."""
        one = sender or self.sender
        begun = await one.run_once(self.world.now)
        await one.drain()
        return begun

    async def send_all(self) -> None:
        """Rounds until nothing is due."""
        async with asyncio.timeout(20):
            while await self.send():
                pass


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    """On SQLite and on PostgreSQL."""
    engine = open_engine(database_url)
    store = DatabaseStore(engine)
    world = World(store, AesVault(new_entry()))
    keys, outbox = Keys(), Outbox(engine)
    async with aiohttp.ClientSession() as session:
        signer = Signer(world.vault, keys)
        sender = Sender(outbox, signer, session, lambda: world.now)
        made = House(world, outbox, sender, keys, session, database_url)
        yield made
        await made.sender.drain(0)
    await store.close()


@pytest.fixture
async def works(house: House) -> AsyncIterator[Works]:
    """Goods made on demand there, on SQLite and on PostgreSQL."""
    async with open_works(house) as opened:
        yield opened
