"""The order page, where the buyer opens the goods, and the list of the buyer's orders."""

from __future__ import annotations

import logging

from aiohttp import web

from reference_channels.kit.errors import GatewayError
from reference_channels.trade import intents
from reference_channels.trade.reveal import Shown, reveal
from reference_channels.webshop.pages import view
from reference_channels.webshop.pages.checkout import onward, own
from reference_channels.webshop.pages.visitor import form, visitor
from reference_channels.webshop.settings import SHOP

log = logging.getLogger(__name__)


async def mine(request: web.Request) -> web.Response:
    """This browser's orders, newest first."""
    who = visitor(request)
    found = await request.app[SHOP].db.run(lambda db: intents.of_buyer(db, who.buyer))
    orders = [
        view.receipt(each, who.language) for each in found if each.payment != "none" or each.state == "held"
    ]
    return view.page(request, "orders.html", orders=orders)


async def show(request: web.Request) -> web.StreamResponse:
    """How the order stands; the goods stay closed until the buyer opens them."""
    intent = await own(request)
    if intent.state in ("opened", "held"):
        return onward(intent)
    return _page(request, intent)


async def state(request: web.Request) -> web.Response:
    """The order's state, for the page to see when it has moved on."""
    answer = web.json_response({"state": (await own(request)).state})
    answer.headers["Cache-Control"] = "no-store"
    return answer


async def open_goods(request: web.Request) -> web.StreamResponse:
    """Open the goods. By POST only and never stored, so that no address, log or cache has them (DLV-013)."""
    await form(request)
    shop, intent = request.app[SHOP], await own(request)
    try:
        return _page(request, intent, await reveal(shop.db, shop.link, intent))
    except GatewayError as error:
        log.warning("goods could not be opened", extra={"problem": str(error)})
        return _page(request, intent, failed=True)


def _page(
    request: web.Request, intent: intents.Intent, goods: list[Shown] | None = None, failed: bool = False
) -> web.Response:
    values = {
        "order": view.receipt(intent, visitor(request).language),
        "goods": goods or [],
        "nothing": goods == [],
        "failed": failed,
    }
    return view.page(request, "order.html", 503 if failed else 200, f"/orders/{intent.id}", **values)
