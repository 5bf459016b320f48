"""My goods, from whichever channel: what they are, the proof of them, and handing them on."""

from __future__ import annotations

from aiohttp import web

from reference_channels.kit.errors import Json
from reference_channels.trade import intents, ownership, shelf
from reference_channels.trade.cards import CATEGORIES
from reference_channels.trade.reveal import Shown
from reference_channels.trade.words import product_text
from reference_channels.webshop.pages import view
from reference_channels.webshop.pages.buyers import attempt, needs, onward, outcome
from reference_channels.webshop.pages.visitor import form, visitor
from reference_channels.webshop.settings import SHOP

TONES = {"active": "in", "suspended": "low", "revoked": "out"}


@needs("ownership")
async def mine(request: web.Request) -> web.StreamResponse:
    """Everything that is the visitor's."""
    return await _mine(request)


async def _mine(request: web.Request, wrong: str = "") -> web.Response:
    shop, who = request.app[SHOP], visitor(request)
    # Somebody who was never here has nothing yet, and need not be made known to the gateway.
    found = await ownership.goods(shop, who.buyer) if who.known else []
    products = await shop.db.run(shelf.products)
    goods = [_shown(each, products, who.language) for each in found]
    return view.page(request, "goods.html", 422 if wrong else 200, "/goods", goods=goods, wrong=wrong)


def _shown(entitlement: Json, products: dict[str, Json], language: str) -> Json:
    """What the templates show of an entitlement."""
    product = entitlement["product"]
    name, _ = product_text(products.get(product["id"], {}), language)
    kind = product.get("kind", "other")
    return entitlement | {
        "card": {
            "name": name or product["name"],
            "category": kind if kind in CATEGORIES else "other",
            "look": view.look(product["id"]),
        },
        "tone": TONES.get(entitlement["status"], "quiet"),
        "since": day(entitlement["acquired_at"]),
        "by": entitlement.get("origin", {}).get("channel", ""),
        "here": "order_id" in entitlement,
    }


def day(stamp: str) -> str:
    """The day of a time on the wire."""
    return stamp[:10]


@needs("ownership")
async def show(request: web.Request) -> web.StreamResponse:
    """One of them, with what became of it and what can be done with it."""
    return await _one(request)


async def _one(
    request: web.Request,
    code: str = "",
    wrong: str = "",
    opened: Shown | None = None,
    ticked: set[str] | None = None,
) -> web.Response:
    """The page of one; a `code` and the good itself are shown in the answer to the button, and in no address.

    `ticked`: the parts of the proof that she had chosen. The key that she had pasted is not repeated: it may be the
    private one.
    """
    shop, who, name = request.app[SHOP], visitor(request), request.match_info["entitlement_id"]
    entitlement = await ownership.good(shop, who.buyer, name)
    history = await ownership.history(shop, who.buyer, name)
    products = await shop.db.run(shelf.products)
    bought = await shop.db.run(lambda db: intents.of_buyer(db, who.buyer))
    order = entitlement.get("order_id")
    values: Json = {
        "good": _shown(entitlement, products, who.language),
        "order": next((each.id for each in bought if order and each.order_id == order), ""),
        "history": [each | {"when": day(each["at"])} for each in reversed(history)],
        "parts": {
            part: chosen if ticked is None else part in ticked
            for part, (_, chosen) in ownership.PARTS.items()
        },
        "code": code,
        "wrong": wrong,
        "opened": opened,
        "offer_until": day(entitlement.get("transfer", {}).get("expires_at", "")),
    }
    return view.page(request, "good.html", 422 if wrong else 200, f"/goods/{name}", **values)


@needs("ownership")
async def open_good(request: web.Request) -> web.StreamResponse:
    """Show what somebody handed on to the visitor. What she bought here she opens on its order's page."""
    await form(request)
    found = await ownership.opened(
        request.app[SHOP], visitor(request).buyer, request.match_info["entitlement_id"]
    )
    return await _one(request, opened=found, wrong="" if found and not found.gone else "nothing_to_open")


@needs("ownership")
async def certificate(request: web.Request) -> web.StreamResponse:
    """The proof as a file, with what the buyer wants to show. It is made anew each time and kept nowhere (BUY-023)."""
    data, who = await form(request), visitor(request)
    shop, name = request.app[SHOP], request.match_info["entitlement_id"]
    entitlement = await ownership.good(shop, who.buyer, name)
    ticked = {part for part in ownership.PARTS if f"show.{part}" in data}
    try:
        key = ownership.holder_key(data.get("holder_key", ""))
    except ownership.KeyRefusedError as refusal:
        return await _one(request, wrong=refusal.reason, ticked=ticked)
    issued, wrong = await outcome(ownership.certificate(shop, who.buyer, name, key))
    if wrong:
        return await _one(request, wrong=wrong, ticked=ticked)
    shown = {claim for part in ticked for claim in ownership.PARTS[part][0]}
    text = ownership.keeping_back(issued["certificate"], shown)
    headers = {
        "Content-Disposition": f'attachment; filename="{ownership.file_name(entitlement["product"]["name"])}"',
        "Cache-Control": "no-store",
    }
    return web.Response(text=text, content_type="application/dc+sd-jwt", charset="utf-8", headers=headers)


@needs("ownership")
async def hand_on(request: web.Request) -> web.StreamResponse:
    """Offer it; the code is on the page that answers, once."""
    await form(request)
    shop, who, name = request.app[SHOP], visitor(request), request.match_info["entitlement_id"]
    made, wrong = await outcome(ownership.offer(shop, who.buyer, name))
    return await _one(request, made.get("code", ""), wrong)


@needs("ownership")
async def take_back(request: web.Request) -> web.StreamResponse:
    """End the open offer."""
    await form(request)
    name = request.match_info["entitlement_id"]
    wrong = await attempt(ownership.take_back(request.app[SHOP], visitor(request).buyer, name))
    return await _one(request, wrong=wrong) if wrong else onward(f"/goods/{name}")


@needs("ownership")
async def accept(request: web.Request) -> web.StreamResponse:
    """Take what somebody hands on, by its code."""
    data, shop, who = await form(request), request.app[SHOP], visitor(request)
    code = data.get("code", "").strip()
    if not code or len(code) > 64:
        return await _mine(request, "not_found")
    taken, wrong = await outcome(ownership.accept(shop, who.buyer, code))
    return await _mine(request, wrong) if wrong else onward(f"/goods/{taken['id']}")
