"""Telegram's Bot API (https://core.telegram.org/bots/api) as a messenger: long polling, or a webhook.

The token is part of every address, so no address, and no error that may hold one, is ever logged.
"""

from __future__ import annotations

import asyncio
import html
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
from aiohttp import web

from reference_channels.chatbot.messenger import (
    Button,
    Flooded,
    Heard,
    Json,
    Menu,
    Message,
    MessengerError,
    Part,
    Refused,
    Take,
    Unreachable,
)

log = logging.getLogger(__name__)

API = "https://api.telegram.org"
WANTED = ["message", "callback_query"]
TAGS = {"bold": "b", "code": "code"}
# Limits of the Bot API: a message's text after the entities, a file's caption.
LONGEST = 4096
LONGEST_CAPTION = 1024
LONGEST_PAUSE = 30.0


@dataclass(frozen=True, slots=True)
class TelegramSettings:
    """`token` is the bot's, from BotFather; `api` another server that speaks the API; with `webhook`, the HTTPS
    address that Telegram calls, and `webhook_secret` by which it is known. Times in seconds."""

    token: str = field(repr=False)
    api: str = API
    webhook: str = ""
    webhook_secret: str = field(default="", repr=False)
    poll: int = 50
    timeout: float = 15.0
    first_pause: float = 1.0


class Telegram:
    """The bot's line to Telegram."""

    name = "telegram"

    def __init__(self, settings: TelegramSettings) -> None:
        self._settings = settings
        self._http: aiohttp.ClientSession | None = None
        self._take: Take | None = None
        self._username = ""

    async def call(self, method: str, patience: float = 0, **parameters: Any) -> Any:
        """Call a method and answer its result. Raises Refused, Flooded or Unreachable."""
        return await self._post(method, patience, json=parameters)

    async def _post(self, method: str, patience: float, **body: Any) -> Any:
        if self._http is None:
            self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        url = f"{self._settings.api}/bot{self._settings.token}/{method}"
        limit = aiohttp.ClientTimeout(total=self._settings.timeout + patience)
        try:
            async with self._http.post(url, timeout=limit, allow_redirects=False, **body) as answer:
                return _result(method, answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # Its words may hold the address, and the address the token.
            raise Unreachable(f"{method}: {type(error).__name__}") from None

    async def listen(self, take: Take, menu: Menu) -> None:
        """Poll, or wait for the webhook, until cancelled. No failure ends it."""
        self._take = take
        await self._insist(lambda: self._introduce(menu))
        if self._settings.webhook:
            await asyncio.Event().wait()
        offset = 0
        while True:
            offset = await self._insist(lambda since=offset: self._poll(since, take))

    async def _insist(self, work: Any) -> Any:
        pause = self._settings.first_pause
        while True:
            try:
                return await work()
            except MessengerError as error:
                log.warning("telegram", extra={"problem": str(error)})
                await asyncio.sleep(error.retry_after if isinstance(error, Flooded) else pause)
                pause = min(LONGEST_PAUSE, pause * 2)

    async def _introduce(self, menu: Menu) -> None:
        """Say where updates are to go. They come by one way only: a webhook that is set ends polling."""
        self._username = str((await self.call("getMe"))["username"])
        for language, commands in menu.items():
            await self._set_commands(language, commands)
        if self._settings.webhook:
            await self.call(
                "setWebhook", url=self._settings.webhook, secret_token=self._settings.webhook_secret,
                allowed_updates=WANTED,
            )  # fmt: skip
        else:
            await self.call("deleteWebhook")

    async def _poll(self, offset: int, take: Take) -> int:
        """Wait for updates from `offset` on; asking for later ones confirms them (so only once they are stored)."""
        wait = self._settings.poll
        updates = await self.call(
            "getUpdates", patience=wait, offset=offset, timeout=wait, allowed_updates=WANTED
        )
        for update in updates:
            await self._heard(update, take)
            offset = max(offset, int(update["update_id"]) + 1)
        return offset

    async def _heard(self, update: Json, take: Take) -> None:
        heard = read(update)
        if heard is not None:
            await take(heard)

    async def receive(self, request: web.Request) -> web.Response:
        """The webhook. Telegram sends an update again until it gets a 2xx."""
        given = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        secret = self._settings.webhook_secret
        if self._take is None or not secret or not secrets.compare_digest(given.encode(), secret.encode()):
            raise web.HTTPForbidden
        try:
            update = orjson.loads(await request.read())
        except orjson.JSONDecodeError as error:
            raise web.HTTPBadRequest from error
        await self._heard(update, self._take)
        return web.Response()

    async def send(self, chat: str, message: Message) -> None:
        """sendMessage."""
        protect: Json = {"protect_content": True} if message.guarded else {}
        await self.call("sendMessage", chat_id=int(chat), **_text(message), **protect)

    async def send_file(self, chat: str, name: str, content: bytes, caption: str) -> None:
        """sendDocument, as an upload."""
        form = aiohttp.FormData({"chat_id": chat, "caption": caption[:LONGEST_CAPTION]})
        form.add_field("document", content, filename=name, content_type="application/octet-stream")
        await self._post("sendDocument", 0, data=form)

    async def edit(self, chat: str, message_id: str, message: Message) -> None:
        """editMessageText. The same text again is no failure; what cannot be edited any more is said anew."""
        try:
            await self.call(
                "editMessageText", chat_id=int(chat), message_id=int(message_id), **_text(message)
            )
        except Refused as refused:
            if "message is not modified" not in str(refused):
                await self.send(chat, message)

    async def answer(self, press_id: str) -> None:
        """answerCallbackQuery."""
        await self.call("answerCallbackQuery", callback_query_id=press_id)

    def link(self, start: str) -> str:
        """A deep link, once Telegram has told the bot's name."""
        return f"https://t.me/{self._username}?start={start}" if self._username else ""

    def share(self, start: str) -> str:
        """Telegram's own dialogue to forward a link."""
        address = self.link(start)
        return f"https://t.me/share/url?url={quote(address, safe='')}" if address else ""

    async def _set_commands(self, language: str, commands: Mapping[str, str]) -> None:
        """What the menu beside the input shows; by language, or ("") for all others."""
        listed = [{"command": name, "description": about} for name, about in commands.items()]
        where: Json = {"language_code": language} if language else {}
        await self.call("setMyCommands", commands=listed, **where)

    async def close(self) -> None:
        """End the connections."""
        if self._http is not None:
            await self._http.close()


def _result(method: str, status: int, body: bytes) -> Any:
    """The result of an answer. A description is Telegram's own words about the request, not ours to people."""
    try:
        answer = orjson.loads(body)
        if answer["ok"]:
            return answer["result"]
        what = f"{method}: {answer.get('error_code', status)} {answer.get('description', '')}"
        wait = answer.get("parameters", {}).get("retry_after")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise Unreachable(f"{method}: {status}, and no answer of the Bot API") from None
    if wait is not None:
        raise Flooded(float(wait))
    # 409: somebody else polls with this token. 401: it is not accepted (any more). Both may be put right.
    raise Unreachable(what) if status >= 500 or status in (401, 409, 429) else Refused(what)


def _text(message: Message) -> Json:
    """The parameters for a message's text and buttons. Nothing is previewed: that would be a visit to the address."""
    parameters: Json = {
        "text": markup(message.parts), "parse_mode": "HTML", "link_preview_options": {"is_disabled": True},
    }  # fmt: skip
    if message.buttons:
        rows = [[_button(each) for each in row] for row in message.buttons]
        parameters["reply_markup"] = {"inline_keyboard": rows}
    return parameters


def _button(button: Button) -> Json:
    return {"text": button.label} | ({"url": button.url} if button.url else {"callback_data": button.press})


def markup(parts: tuple[Part, ...]) -> str:
    """Parts as Telegram's HTML, in which <, > and & are the only characters to escape; cut to what a message may
    hold."""
    room, made = LONGEST, []
    for part in parts:
        # Telegram counts UTF-16 code units.
        text = part.text.encode("utf-16-le")[: 2 * room].decode("utf-16-le", "ignore")
        room -= len(text.encode("utf-16-le")) // 2
        tag, escaped = TAGS.get(part.style), html.escape(text, quote=False)
        made.append(f"<{tag}>{escaped}</{tag}>" if tag and text else escaped)
    return "".join(made)


def read(update: Json) -> Heard | None:
    """What an update says, or None when it is nothing to a shop: no person, or neither text nor a press."""
    press = update.get("callback_query")
    message = press.get("message") if press else update.get("message")
    person = (press or message or {}).get("from")
    if not message or not person or person.get("is_bot"):
        return None
    text = "" if press else message.get("text", "")
    if not press and not text:
        return None
    return Heard(
        id=f"telegram-{update['update_id']}",
        chat=str(message["chat"]["id"]),
        person=str(person["id"]),
        private=message["chat"].get("type") == "private",
        language=person.get("language_code", "en"),
        text=text,
        press=press.get("data", "") if press else "",
        press_id=str(press["id"]) if press else "",
        message_id=str(message["message_id"]) if press else "",
    )
