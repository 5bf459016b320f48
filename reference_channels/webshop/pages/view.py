"""From templates to answers: what every page needs is put together here."""

from __future__ import annotations

import hashlib
import json
from functools import cache, partial
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from yarl import URL

from reference_channels.kit.errors import Json
from reference_channels.trade import cards, money
from reference_channels.trade.app import STATIC, TEMPLATES
from reference_channels.trade.buyers import offered
from reference_channels.trade.clock import rfc3339
from reference_channels.trade.intents import Intent
from reference_channels.trade.words import LANGUAGES, TAGS
from reference_channels.webshop.pages import texts
from reference_channels.webshop.pages.visitor import remember, visitor
from reference_channels.webshop.settings import SHOP

ROOM = Path(__file__).parents[1]


@cache
def templates() -> Environment:
    """The templates, everything escaped."""
    return Environment(
        loader=FileSystemLoader([ROOM / "templates", TEMPLATES]), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


@cache
def version() -> str:
    """Names the static files' state, so that browsers may keep them."""
    files = sorted([*STATIC.iterdir(), *(ROOM / "static").iterdir()])
    content = b"".join(path.read_bytes() for path in files)
    return hashlib.sha256(content).hexdigest()[:12]


def page(
    request: web.Request, template: str, status: int = 200, address: str | None = None, **values: Any
) -> web.Response:
    """Render a template. Pages belong to their visitor: no cache may keep them.

    `address` is where the page can be opened again, for answers to a form.
    """
    who, settings = visitor(request), request.app[SHOP].settings
    language = who.language
    common = {
        "t": partial(texts.say, language),
        "money": lambda amount, currency: money.money(amount, currency, language),
        "card": partial(card, language=language),
        "language": language,
        "language_tag": TAGS[language],
        "languages": LANGUAGES,
        "here": lambda code: str((URL(address) if address else request.rel_url).update_query(lang=code)),
        "csrf": who.csrf,
        "shop": settings.name,
        "sandbox": settings.test_secret is not None,
        "version": version(),
        "path": request.path,
        "offered": offered(request.app[SHOP]),
    }
    text = templates().get_template(template).render(**common, **values)
    answer = web.Response(
        text=text, status=status, content_type="text/html", headers={"Cache-Control": "no-store"}
    )
    answer.headers["Content-Language"] = TAGS[language]
    remember(request, answer)
    return answer


def card(offer: Json, language: str) -> Json:
    """What the templates show of an offer: what every channel shows, and its look."""
    shown = cards.card(offer, language)
    shown["name"] = shown["name"] or texts.say(language, "product.unknown")
    return shown | {"look": look(offer.get("product", {}).get("id", shown["id"]))}


def look(name: str) -> Json:
    """A picture's hue and shapes, the same for one product on every page."""
    seed = hashlib.sha256(name.encode()).digest()
    return {"hue": seed[0] % 8, "x": 20 + seed[1] % 280, "y": 10 + seed[2] % 140, "r": 34 + seed[3] % 50,
            "turn": seed[4] % 24 - 12}  # fmt: skip


def receipt(intent: Intent, language: str) -> Json:
    """What the templates show of an intent."""
    return {
        "id": intent.id,
        "card": card(json.loads(intent.offer), language),
        "quantity": intent.quantity,
        "amount": intent.amount,
        "currency": intent.currency,
        "seen": intent.seen_amount * intent.quantity,
        "state": intent.state,
        "reason": intent.reason,
        "payment": intent.payment,
        "order_id": intent.order_id,
        "trace_id": intent.trace_id,
        "when": rfc3339(intent.created_at)[:16].replace("T", " ") + " UTC",
        "hold_until": intent.hold_until,
        "region": intent.region,
        "sealed": intent.recipient_key is not None,
        "refunded": intent.refunded or 0,
        "taken_back": intent.order_status == "refunded",
    }
