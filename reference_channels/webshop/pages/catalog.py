"""The page of offers and the product page."""

from __future__ import annotations

import json
import secrets
import sqlite3

from aiohttp import web

from reference_channels.kit.errors import Json
from reference_channels.trade import accounts, intents, shelf
from reference_channels.trade.cards import CATEGORIES
from reference_channels.trade.fields import regions, schema_fields
from reference_channels.webshop.pages import view
from reference_channels.webshop.pages.visitor import visitor
from reference_channels.webshop.settings import SHOP

PER_PAGE = 24
MOST = 10


async def offers(request: web.Request) -> web.Response:
    """Everything on sale, by category, by search, in pages."""
    language = visitor(request).language
    every = [view.card(offer, language) for offer in await request.app[SHOP].db.run(shelf.all_on_sale)]
    liked = await _liked(request)
    category = request.query.get("category", "")
    words = request.query.get("q", "").strip()[:80]
    found = _arranged([each for each in every if _fits(each, category, words)], liked)
    number = _page_number(request, len(found))
    values: Json = {
        "offers": found[(number - 1) * PER_PAGE : number * PER_PAGE],
        "count": len(found),
        "number": number,
        "pages": -(-len(found) // PER_PAGE),
        "category": category,
        "words": words,
        "suited": bool(liked),
        "categories": [name for name in CATEGORIES if any(each["category"] == name for each in every)],
        "page_link": lambda to: str(request.rel_url.update_query(page=to)),
    }
    return view.page(request, "offers.html", **values)


async def _liked(request: web.Request) -> set[str]:
    """The categories of what the visitor has bought, while she allows that suggestions are made of it."""
    shop, who = request.app[SHOP], visitor(request)

    def look(db: sqlite3.Connection) -> set[str]:
        if not accounts.allows(db, who.buyer, "personalisation", shop.clock()):
            return set()
        bought = [each for each in intents.of_buyer(db, who.buyer) if each.state == "fulfilled"]
        return {str(json.loads(each.offer).get("product", {}).get("category")) for each in bought}

    return await shop.db.run(look) if who.known else set()


def _fits(each: Json, category: str, words: str) -> bool:
    """Whether an offer is in the category and has all the words, in its name, brand or description."""
    text = " ".join((each["name"], each["brand"], each["description"])).casefold()
    return category in ("", each["category"]) and all(word in text for word in words.casefold().split())


def _arranged(offers: list[Json], liked: set[str]) -> list[Json]:
    """What can be bought before what is sold out, what goes with earlier purchases and promotions first; the
    categories take turns."""
    turns: dict[str, int] = {}
    ranked = []
    for each in sorted(offers, key=lambda card: (not card["buyable"], not card["promotion"], card["name"])):
        turn = turns[each["category"]] = turns.get(each["category"], -1) + 1
        place = [*CATEGORIES, "other"].index(each["category"])
        strange = each["category"] not in liked
        ranked.append((not each["buyable"], strange, not each["promotion"], turn, place, each["id"], each))
    return [each for *_, each in sorted(ranked)]


def _page_number(request: web.Request, count: int) -> int:
    wanted = request.query.get("page", "1")
    last = max(1, -(-count // PER_PAGE))
    return min(last, max(1, int(wanted))) if wanted.isascii() and wanted.isdigit() else 1


async def product(request: web.Request) -> web.Response:
    """One offer, and the form that starts its purchase."""
    offer_id = request.match_info["offer_id"]

    def known(db: sqlite3.Connection) -> tuple[Json | None, bool]:
        return shelf.find(db, offer_id), shelf.on_sale(db, offer_id) is not None

    offer, on_sale = await request.app[SHOP].db.run(known)
    if offer is None:
        raise web.HTTPNotFound
    return product_page(request, offer, on_sale)


def product_page(
    request: web.Request,
    offer: Json,
    on_sale: bool,
    wrong: list[str] | None = None,
    given: Json | None = None,
) -> web.Response:
    """The product page; with `wrong`, the names of the fields to correct and what was entered."""
    values = {
        "offer": view.card(offer, visitor(request).language),
        "on_sale": on_sale,
        "intent_id": secrets.token_urlsafe(16),
        "most": min(MOST, offer.get("restrictions", {}).get("max_per_order", MOST)),
        "regions": regions(offer),
        "fields": schema_fields(offer),
        "wrong": wrong or [],
        "given": given or {},
    }
    status = 422 if wrong else 200 if on_sale else 410
    return view.page(request, "product.html", status, f"/offers/{offer['id']}", **values)
