"""The one place where the shop is put together."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from reference_channels.trade.app import application, running
from reference_channels.trade.database import setting
from reference_channels.trade.settings import Settings
from reference_channels.webshop import pages
from reference_channels.webshop.pages import errors
from reference_channels.webshop.settings import COOKIE_KEY

STATIC = Path(__file__).parent / "static"


def build(settings: Settings) -> web.Application:
    """The shop as an aiohttp application; it opens its database and starts its worker when it is run."""
    app = application(settings, errors.page)
    app.router.add_static("/static", STATIC)
    pages.set_up(app)
    app.cleanup_ctx.append(lambda app: _running(app, settings))
    return app


async def _running(app: web.Application, settings: Settings) -> AsyncIterator[None]:
    """Everything that lives as long as the application."""
    async with running(app, settings) as shop:
        key = await shop.db.run(lambda db: setting(db, "cookie_key", secrets.token_hex(32)))
        app[COOKIE_KEY] = bytes.fromhex(key)
        yield
