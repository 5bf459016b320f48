"""The one place where the shop is put together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from aiohttp import web

from reference_channels.webshop import middleware, pages, protocol, testing
from reference_channels.webshop.clock import Clock
from reference_channels.webshop.database import Database, setting, trade_with
from reference_channels.webshop.link import Link
from reference_channels.webshop.logs import Ring
from reference_channels.webshop.purchase import Purchases
from reference_channels.webshop.settings import SHOP, Settings, Shop
from reference_channels.webshop.worker import Worker

BODY_LIMIT = 256 * 1024
STATIC = Path(__file__).parent / "static"


def build(settings: Settings) -> web.Application:
    """The shop as an aiohttp application; it opens its database and starts its worker when it is run."""
    app = web.Application(middlewares=[middleware.around], client_max_size=BODY_LIMIT)
    app.router.add_get("/.well-known/vgcp", protocol.get_discovery)
    app.router.add_post("/vgcp/v1/events", protocol.receive_event)
    if settings.test_secret is not None:
        app.router.add_routes(testing.ROUTES)
    app.router.add_get("/healthz", healthz)
    app.router.add_static("/static", STATIC)
    pages.set_up(app)
    app.cleanup_ctx.append(lambda app: _running(app, settings))
    return app


async def healthz(request: web.Request) -> web.Response:
    """Alive, and whether a gateway is known. Fails when the shop's own database does."""
    shop = request.app[SHOP]
    await shop.db.run(lambda db: db.execute("select 1").fetchone())
    return web.json_response({"status": "ok", "connected": shop.link.connection is not None})


async def _running(app: web.Application, settings: Settings) -> AsyncIterator[None]:
    """Everything that lives as long as the application."""
    ring = Ring()
    logging.getLogger("reference_channels").setLevel(logging.INFO)
    root = logging.getLogger()
    root.addHandler(ring)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        shop = await _assemble(settings, http, ring)
        app[SHOP] = shop
        work = asyncio.create_task(shop.worker.run(settings.worker_pause))
        yield
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
        await shop.db.close()
    root.removeHandler(ring)


async def _assemble(settings: Settings, http: aiohttp.ClientSession, ring: Ring) -> Shop:
    clock = Clock()
    db = Database(settings.data if settings.data.suffix == ".db" else settings.data / "webshop.db")
    await db.open()
    key = await db.run(lambda each: setting(each, "cookie_key", secrets.token_hex(32)))
    link = Link(http, clock, settings.policy)
    link.connect(settings.connection)
    if settings.connection is not None:
        name = settings.connection.name
        await db.run(lambda each: trade_with(each, name))
    purchases = Purchases(db, link, clock)
    worker = Worker(db, link, clock, purchases, settings.sync_every)
    return Shop(settings, clock, db, link, purchases, worker, ring, bytes.fromhex(key))
