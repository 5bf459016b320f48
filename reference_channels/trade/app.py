"""The one place where a trade is put together: what every channel serves, and what lives as long as it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path

import aiohttp
from aiohttp import web

from reference_channels.trade import middleware, protocol, testing, testing_buyers
from reference_channels.trade.clock import Clock
from reference_channels.trade.database import Database, trade_with
from reference_channels.trade.link import Link
from reference_channels.trade.logs import Ring
from reference_channels.trade.purchase import Purchases
from reference_channels.trade.settings import TRADE, Settings, Trade
from reference_channels.trade.worker import Worker

BODY_LIMIT = 256 * 1024
STATIC = Path(__file__).parent / "static"
TEMPLATES = Path(__file__).parent / "templates"


def application(settings: Settings, error_page: middleware.ErrorPage) -> web.Application:
    """What every channel serves: discovery, events, health, in a sandbox test control, and what opens sealed
    goods in a browser."""
    app = web.Application(middlewares=[middleware.around(error_page)], client_max_size=BODY_LIMIT)
    app.router.add_get("/.well-known/vgcp", protocol.get_discovery)
    app.router.add_post("/vgcp/v1/events", protocol.receive_event)
    if settings.test_secret is not None:
        app.router.add_routes([*testing.ROUTES, *testing_buyers.ROUTES])
    app.router.add_get("/healthz", healthz)
    app.router.add_static("/trade", STATIC)
    return app


async def healthz(request: web.Request) -> web.Response:
    """Alive, and whether a gateway is known. Fails when the channel's own database does."""
    trade = request.app[TRADE]
    await trade.db.run(lambda db: db.execute("select 1").fetchone())
    return web.json_response({"status": "ok", "connected": trade.link.connection is not None})


@contextlib.asynccontextmanager
async def running(app: web.Application, settings: Settings, schema: str = "") -> AsyncIterator[Trade]:
    """Open the database (with the channel's own tables, `schema`) and let the worker run until the end."""
    ring = Ring()
    logging.getLogger("reference_channels").setLevel(logging.INFO)
    root = logging.getLogger()
    root.addHandler(ring)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        trade = app[TRADE] = await _assemble(settings, http, ring, schema)
        async with background(trade.worker.run(settings.worker_pause)):
            yield trade
        await trade.db.close()
    root.removeHandler(ring)


@contextlib.asynccontextmanager
async def background(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Let it work meanwhile."""
    task = asyncio.create_task(work)
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _assemble(settings: Settings, http: aiohttp.ClientSession, ring: Ring, schema: str) -> Trade:
    clock = Clock()
    db = Database(settings.file, schema)
    await db.open()
    link = Link(http, clock, settings.policy)
    link.connect(settings.connection)
    if settings.connection is not None:
        name = settings.connection.name
        await db.run(lambda each: trade_with(each, name))
    purchases = Purchases(db, link, clock)
    worker = Worker(db, link, clock, purchases, settings.sync_every)
    return Trade(settings, clock, db, link, purchases, worker, ring)
