"""The one place where the shop is put together."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiohttp
from aiohttp import web

from reference_channels.kit.openid import Provider
from reference_channels.trade.app import application, running
from reference_channels.trade.database import setting
from reference_channels.trade.settings import Settings
from reference_channels.webshop import pages
from reference_channels.webshop.pages import errors
from reference_channels.webshop.providers import SIGN_INS, SignIns
from reference_channels.webshop.settings import COOKIE_KEY

STATIC = Path(__file__).parent / "static"


def build(settings: Settings, providers: Sequence[Provider] = ()) -> web.Application:
    """The shop as an aiohttp application; it opens its database and starts its worker when it is run. Buyers may link
    their accounts by these `providers`."""
    app = application(settings, errors.page)
    app.router.add_static("/static", STATIC)
    pages.set_up(app)
    app.cleanup_ctx.append(lambda app: _running(app, settings, providers))
    return app


async def _running(
    app: web.Application, settings: Settings, providers: Sequence[Provider]
) -> AsyncIterator[None]:
    """Everything that lives as long as the application."""
    async with running(app, settings) as shop:
        key = await shop.db.run(lambda db: setting(db, "cookie_key", secrets.token_hex(32)))
        app[COOKIE_KEY] = bytes.fromhex(key)
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            app[SIGN_INS] = SignIns(http, providers)
            yield
