"""Checkout: hold first, then take the money (SEL-006). The steps are those of `Purchases`."""

from __future__ import annotations

import secrets
import sqlite3

from aiohttp import web

from reference_channels.kit.errors import Json
from reference_channels.trade import fields, sealing, selling, shelf
from reference_channels.trade.intents import Intent
from reference_channels.trade.selling import Wish
from reference_channels.webshop.pages import card, catalog, view
from reference_channels.webshop.pages.visitor import form, visitor
from reference_channels.webshop.settings import SHOP, Shop


async def own(request: web.Request) -> Intent:
    """The intent of the address, if it is this visitor's. Raises HTTPNotFound (DLV-012)."""
    intent = await request.app[SHOP].purchases.find(request.match_info["intent_id"])
    if intent is None or intent.buyer != visitor(request).buyer:
        raise web.HTTPNotFound
    return intent


def onward(intent: Intent) -> web.Response:
    """Where the buyer goes on: to the payment, or to the order."""
    room = "checkout" if intent.state in ("opened", "held") else "orders"
    return web.Response(status=303, headers={"Location": f"/{room}/{intent.id}", "Cache-Control": "no-store"})


async def start(request: web.Request) -> web.StreamResponse:
    """The buy button: note the intent and hold the stock. Pressed twice, it is one intent (SEL-009)."""
    shop, data = request.app[SHOP], await form(request)
    offer = await shop.db.run(lambda db: _offer(db, data.get("offer_id", "")))
    given = fields.entered(offer, data)
    wrong = selling.input_errors(offer, given)
    if wrong:
        return catalog.product_page(request, offer, True, wrong, given)
    return onward(await _held(request, shop, data, given))


def _offer(db: sqlite3.Connection, offer_id: str) -> Json:
    return shelf.on_sale(db, offer_id) or {}


async def _held(request: web.Request, shop: Shop, data: dict[str, str], given: Json) -> Intent:
    who, quantity = visitor(request), data.get("quantity", "1")
    name = data.get("intent_id", "")
    if not (8 <= len(name) <= 64 and name.replace("-", "").replace("_", "").isalnum()):
        raise web.HTTPBadRequest
    wish = Wish(
        intent_id=name,
        offer_id=data.get("offer_id", ""),
        quantity=min(1000, int(quantity)) if quantity.isdecimal() and int(quantity) else 1,
        buyer=who.buyer,
        region=data.get("region") or None,
        locale=who.language,
        buyer_input=given,
    )
    intent = await shop.purchases.open(wish)
    if intent.buyer != who.buyer:
        raise web.HTTPNotFound
    return await shop.purchases.hold(intent.id)


async def show(request: web.Request) -> web.StreamResponse:
    """The held goods, until when they are kept, and the payment form."""
    intent = await own(request)
    if intent.state not in ("opened", "held"):
        return onward(intent)
    return await checkout_page(request, intent)


async def checkout_page(
    request: web.Request, intent: Intent, wrong: dict[str, str] | None = None
) -> web.Response:
    """The payment form, with what to correct, and whether the goods can be sealed to this browser."""
    now = request.app[SHOP].clock()
    values = {
        "order": view.receipt(intent, visitor(request).language),
        "minutes": max(1, int(((intent.hold_until or now) - now) // 60)),
        "changed": intent.unit_amount is not None and intent.unit_amount != intent.seen_amount,
        "wrong": wrong or {},
        "seals": await request.app[SHOP].link.seals(),
    }
    return view.page(request, "checkout.html", 422 if wrong else 200, f"/checkout/{intent.id}", **values)


async def pay(request: web.Request) -> web.StreamResponse:
    """The pay button. The test card is looked at and forgotten; then the order is placed.

    A buyer who was promised sealed goods is asked again when they cannot be sealed after all.
    """
    data, intent, shop = await form(request), await own(request), request.app[SHOP]
    key = sealing.key_of(data)
    if intent.state == "held":
        wrong = card.errors(data)
        if key is not None and not await shop.link.seals():
            wrong["seal"] = "seal.gone"
        if wrong:
            return await checkout_page(request, intent, wrong)
    return onward(await shop.purchases.pay(intent.id, f"card-{secrets.token_hex(8)}", key))


async def retry(request: web.Request) -> web.StreamResponse:
    """The gateway could not be reached before: try to hold again, with the same key."""
    await form(request)
    return onward(await request.app[SHOP].purchases.hold((await own(request)).id))


async def cancel(request: web.Request) -> web.StreamResponse:
    """The buyer leaves; the hold is given back (SEL-015)."""
    await form(request)
    return onward(await request.app[SHOP].purchases.cancel((await own(request)).id, "cancelled"))
