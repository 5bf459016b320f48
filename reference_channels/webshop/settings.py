"""The shop's names for what it is made of; the parts are those of any trade (reference_channels/trade)."""

from __future__ import annotations

from aiohttp import web

from reference_channels.trade.settings import TRADE, Trade

Shop = Trade
SHOP = TRADE
COOKIE_KEY: web.AppKey[bytes] = web.AppKey("cookie_key", bytes)
