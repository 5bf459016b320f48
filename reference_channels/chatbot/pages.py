"""The bot's own pages: one where a browser makes a key, one where it opens what was sealed to it. Each is reached by a
one-time link from the chat, and all that must stay secret is in the query, which is never logged."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reference_channels.chatbot import chats, passes
from reference_channels.chatbot.chats import Chat
from reference_channels.chatbot.messenger import Button
from reference_channels.chatbot.post import Said
from reference_channels.chatbot.talk import WORDS, message
from reference_channels.kit.errors import GatewayError
from reference_channels.trade.app import TEMPLATES
from reference_channels.trade.intents import Intent
from reference_channels.trade.reveal import reveal
from reference_channels.trade.sealing import key_of
from reference_channels.trade.settings import TRADE
from reference_channels.trade.words import TAGS

log = logging.getLogger(__name__)
ROOM = Path(__file__).parent
Say = Callable[[Said], Awaitable[None]]
SAY: web.AppKey[Say] = web.AppKey("say", Callable[[Said], Awaitable[None]])  # type: ignore[arg-type]


def set_up(app: web.Application) -> None:
    """Add the pages to the application."""
    app.router.add_static("/static", ROOM / "static")
    for purpose, posted in (("seal", seal), ("open", open_goods)):
        app.router.add_get(f"/{purpose}", partial(arrive, purpose))
        app.router.add_post(f"/{purpose}", posted)


@cache
def templates() -> Environment:
    """The templates, everything escaped."""
    return Environment(
        loader=FileSystemLoader([ROOM / "templates", TEMPLATES]), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


def page(
    request: web.Request, template: str, language: str, status: int = 200, **values: Any
) -> web.Response:
    """Render a template. No cache may keep it."""
    settings = request.app[TRADE].settings
    common = {"t": partial(WORDS.say, language), "language_tag": TAGS[language], "name": settings.name}
    text = templates().get_template(template).render(**common, **values)
    return web.Response(
        text=text, status=status, content_type="text/html", headers={"Cache-Control": "no-store"}
    )


def error(request: web.Request, status: int) -> web.Response:
    """The page for what went wrong, in the browser's language, as the chat's is not known."""
    language = "zh" if request.headers.get("Accept-Language", "").lower().startswith("zh") else "en"
    return page(request, "told.html", language, status, key="page.gone" if status < 500 else "page.failed")


async def _known(request: web.Request, purpose: str, *, spend: bool) -> tuple[Chat, Intent]:
    """What the link is good for. Raises HTTPNotFound when it is for nothing (any more)."""
    trade, token = request.app[TRADE], request.query.get("t", "")
    look = passes.use if spend else passes.look
    given = await trade.db.run(lambda db: look(db, token, trade.clock()))
    if given is None or given.purpose != purpose:
        raise web.HTTPNotFound
    chat = await trade.db.run(lambda db: chats.find(db, given.chat))
    intent = await trade.purchases.find(given.intent_id)
    if chat is None or intent is None:
        raise web.HTTPNotFound
    return chat, intent


async def arrive(purpose: str, request: web.Request) -> web.Response:
    """The link was followed, perhaps by a messenger that looks at links: only the button on the page uses it up."""
    chat, intent = await _known(request, purpose, spend=False)
    return page(request, f"{purpose}.html", chat.language, intent_id=intent.id)


async def seal(request: web.Request) -> web.Response:
    """The browser's public key, to be sent along with the order (DLV-035)."""
    key = key_of({name: str(value) for name, value in (await request.post()).items()})
    if key is None:
        chat, _ = await _known(request, "seal", spend=False)
        return page(request, "told.html", chat.language, 422, key="seal.without")
    chat, intent = await _known(request, "seal", spend=True)
    if intent.state == "held":
        await request.app[TRADE].db.run(lambda db: passes.seal(db, intent.id, json.dumps(key)))
        press = Button(WORDS.say(chat.language, "order.goto"), f"order:{intent.id}")
        await request.app[SAY](
            Said(chat.id, message(WORDS.say(chat.language, "order.sealed"), buttons=[[press]]))
        )
    return page(
        request, "told.html", chat.language, key="seal.made" if intent.state == "held" else "page.gone"
    )


async def open_goods(request: web.Request) -> web.Response:
    """The sealed goods, which only the browser that made the key can open (DLV-036)."""
    chat, intent = await _known(request, "open", spend=True)
    trade = request.app[TRADE]
    try:
        goods = await reveal(trade.db, trade.link, intent)
    except GatewayError as problem:
        log.warning("goods could not be opened", extra={"problem": str(problem)})
        return page(request, "told.html", chat.language, 503, key="goods.failed")
    sealed = [each for each in goods if each.sealed]
    return page(request, "opened.html", chat.language, goods=sealed, order_id=intent.order_id)
