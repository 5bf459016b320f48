"""A server that speaks Telegram's Bot API, as its public documentation has it, on loopback: strict about methods,
parameters and limits, so that what passes here is not refused there (https://core.telegram.org/bots/api)."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import aiohttp
from aiohttp import web

TOKEN = "123456:AAbbCCddEEff-the_token_of_the_tests"
Json = dict[str, Any]

# Each method's required and optional parameters with their types; of those the bot has no use for, only names.
METHODS: dict[str, tuple[Json, Json]] = {
    "getMe": ({}, {}),
    "getUpdates": ({}, {"offset": int, "limit": int, "timeout": int, "allowed_updates": list}),
    "setWebhook": (
        {"url": str},
        {"secret_token": str, "allowed_updates": list, "max_connections": int, "drop_pending_updates": bool},
    ),
    "deleteWebhook": ({}, {"drop_pending_updates": bool}),
    "setMyCommands": ({"commands": list}, {"scope": dict, "language_code": str}),
    "sendMessage": (
        {"chat_id": int, "text": str},
        {"parse_mode": str, "link_preview_options": dict, "protect_content": bool, "reply_markup": dict,
         "disable_notification": bool},
    ),
    "editMessageText": (
        {"chat_id": int, "message_id": int, "text": str},
        {"parse_mode": str, "link_preview_options": dict, "reply_markup": dict},
    ),
    "sendDocument": ({"chat_id": int, "document": bytes}, {"caption": str, "protect_content": bool}),
    "answerCallbackQuery": (
        {"callback_query_id": str}, {"text": str, "show_alert": bool, "cache_time": int}
    ),
}  # fmt: skip


class Wrong(Exception):
    """An answer that is not ok."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.body: Json = {"ok": False, "error_code": code, "description": description}
        if parameters:
            self.body["parameters"] = parameters


class Entities(HTMLParser):
    """Telegram's HTML: a few tags, closed in order, and four named entities. Keeps the text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.text, self.open = "", list[str]()
        self.spans: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        if tag not in {"b", "i", "u", "s", "code", "pre", "tg-spoiler"} or attributes:
            raise Wrong(400, f"Bad Request: can't parse entities: unsupported start tag {tag}")
        self.open.append(tag)
        self.spans.append((tag, ""))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise Wrong(400, "Bad Request: can't parse entities: unmatched end tag")

    def handle_data(self, data: str) -> None:
        if "<" in data or "&" in data:
            raise Wrong(400, "Bad Request: can't parse entities")
        self._add(data)

    def handle_entityref(self, name: str) -> None:
        named = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
        if name not in named:
            raise Wrong(400, "Bad Request: can't parse entities")
        self._add(named[name])

    def _add(self, text: str) -> None:
        self.text += text
        if self.open:
            self.spans[-1] = (self.spans[-1][0], self.spans[-1][1] + text)


def parsed(parameters: Json) -> Entities:
    """The text as the person reads it. Raises Wrong where the API would refuse."""
    found = Entities()
    if parameters.get("parse_mode") == "HTML":
        found.feed(parameters["text"])
        found.close()
    else:
        found.text = parameters["text"]
    if found.open or not 1 <= len(found.text.encode("utf-16-le")) // 2 <= 4096 or not found.text.strip():
        raise Wrong(400, "Bad Request: message text is empty, too long or has an open tag")
    return found


def keyboard(parameters: Json) -> list[Json]:
    """The buttons of an inline keyboard, held to their limits."""
    markup = parameters.get("reply_markup", {"inline_keyboard": []})
    buttons = [each for row in markup["inline_keyboard"] for each in row]
    for each in buttons:
        if set(each) not in ({"text", "callback_data"}, {"text", "url"}) or not each["text"]:
            raise Wrong(400, "Bad Request: can't parse inline keyboard button")
        if not 1 <= len(each.get("callback_data", "x").encode()) <= 64:
            raise Wrong(400, "Bad Request: BUTTON_DATA_INVALID")
        if not re.match(r"(https?|tg)://", each.get("url", "https://")):
            raise Wrong(400, "Bad Request: BUTTON_URL_INVALID")
    return buttons


@dataclass
class Fault:
    """What becomes of the next calls of `method`: refused with 429, lost before or after it took effect, or 5xx."""

    method: str
    count: int = 1
    retry_after: int = 0
    lose_answer: bool = False
    status: int = 0


@dataclass
class BotApi:
    """`messages` is what each chat shows, by message id; `calls` all calls with their time; `wrong` what a real
    server might let pass and the documentation does not have."""

    token: str = TOKEN
    url: str = ""
    messages: dict[int, dict[int, Json]] = field(default_factory=dict)
    calls: list[tuple[str, Json, float]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    updates: list[Json] = field(default_factory=list)
    presses: set[str] = field(default_factory=set)
    blocked: set[int] = field(default_factory=set)
    webhook: Json = field(default_factory=dict)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    polling: int = 0
    _number: int = 100
    _runner: web.AppRunner | None = None

    def number(self) -> int:
        """The next of all ids."""
        self._number += 1
        return self._number

    async def __aenter__(self) -> BotApi:
        app = web.Application()
        app.router.add_post("/bot{token}/{method}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        bound = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(self._runner, bound).start()
        self.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def made(self, method: str) -> list[Json]:
        """The parameters of all calls of a method."""
        return [parameters for name, parameters, _ in self.calls if name == method]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method, fault = request.match_info["method"], None
        try:
            if request.match_info["token"] != self.token:
                raise Wrong(401, "Unauthorized")
            parameters = await self._read(request, method)
            self.calls.append((method, parameters, time.monotonic()))
            fault = self._fault(method)
            result = await self._do(method, parameters)
        except Wrong as wrong:
            return web.json_response(wrong.body, status=wrong.body["error_code"])
        if fault is not None and fault.lose_answer:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"ok": True, "result": result})

    async def _read(self, request: web.Request, method: str) -> Json:
        if method not in METHODS:
            raise Wrong(404, "Not Found")
        required, optional = METHODS[method]
        if request.content_type == "application/json":
            parameters = dict(await request.json())
        else:
            form = await request.post()
            parameters = {k: v.file.read() if isinstance(v, web.FileField) else v for k, v in form.items()}
            parameters["chat_id"] = int(parameters["chat_id"])
        known = required | optional
        bad = [k for k, v in parameters.items() if k not in known or type(v) is not known[k]]
        bad += [k for k in required if k not in parameters]
        if bad:
            self.wrong.append(f"{method}: {bad}")
            raise Wrong(400, f"Bad Request: {bad}")
        return parameters

    def _fault(self, method: str) -> Fault | None:
        found = next((each for each in self.faults if each.method == method and each.count), None)
        if found is None:
            return None
        found.count -= 1
        if found.retry_after:
            wait = found.retry_after
            raise Wrong(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        if found.status:
            raise Wrong(found.status, "Internal Server Error")
        return found

    async def _do(self, method: str, parameters: Json) -> Any:
        work: dict[str, Callable[[Json], Awaitable[Any]]] = {
            "getUpdates": self._get_updates, "sendMessage": self._send, "editMessageText": self._edit,
            "sendDocument": self._send_document, "answerCallbackQuery": self._answer,
            "setWebhook": self._set_webhook, "deleteWebhook": self._set_webhook, "setMyCommands": self._commands,
        }  # fmt: skip
        if method == "getMe":
            return {"id": 1, "is_bot": True, "first_name": "Lumen", "username": "lumen_bot"}
        return await work[method](parameters)

    async def _get_updates(self, parameters: Json) -> list[Json]:
        """Long polling; asking from an offset confirms everything before it."""
        if self.webhook.get("url"):
            raise Wrong(409, "Conflict: can't use getUpdates method while webhook is active")
        if self.polling:
            raise Wrong(409, "Conflict: terminated by other getUpdates request")
        self.polling += 1
        offset = parameters.get("offset", 0)
        self.updates = [each for each in self.updates if each["update_id"] >= offset]
        try:
            async with asyncio.timeout(parameters.get("timeout", 0)), self.changed:
                await self.changed.wait_for(lambda: self.updates)
        except TimeoutError:
            pass
        finally:
            self.polling -= 1
        return self.updates[: parameters.get("limit", 100)]

    def _chat(self, parameters: Json) -> dict[int, Json]:
        chat = parameters["chat_id"]
        if chat in self.blocked:
            raise Wrong(403, "Forbidden: bot was blocked by the user")
        if chat not in self.messages:
            raise Wrong(400, "Bad Request: chat not found")
        return self.messages[chat]

    async def _send(self, parameters: Json) -> Json:
        chat, text, number = self._chat(parameters), parsed(parameters), self.number()
        chat[number] = {
            "id": number, "text": text.text, "spans": text.spans, "buttons": keyboard(parameters),
            "protected": parameters.get("protect_content", False),
        }  # fmt: skip
        return await self._shown(parameters["chat_id"], number)

    async def _edit(self, parameters: Json) -> Json:
        chat, text, number = self._chat(parameters), parsed(parameters), parameters["message_id"]
        if number not in chat:
            raise Wrong(400, "Bad Request: message to edit not found")
        new = {"text": text.text, "spans": text.spans, "buttons": keyboard(parameters)}
        if new.items() <= chat[number].items():
            raise Wrong(
                400, "Bad Request: message is not modified: specified new message content is the same"
            )
        # What is edited stands at the end here, so that the last message is what the person looks at.
        chat[number] = chat.pop(number) | new
        return await self._shown(parameters["chat_id"], number)

    async def _send_document(self, parameters: Json) -> Json:
        number = self.number()
        about = {"text": parameters.get("caption", ""), "document": parameters["document"], "buttons": []}
        self._chat(parameters)[number] = {"id": number} | about
        return await self._shown(parameters["chat_id"], number)

    async def _shown(self, chat: int, number: int) -> Json:
        async with self.changed:
            self.changed.notify_all()
        return {"message_id": number, "date": int(time.time()), "chat": {"id": chat, "type": "private"}}

    async def _answer(self, parameters: Json) -> bool:
        if parameters["callback_query_id"] not in self.presses:
            raise Wrong(
                400, "Bad Request: query is too old and response timeout expired or query ID is invalid"
            )
        self.presses.discard(parameters["callback_query_id"])
        return True

    async def _set_webhook(self, parameters: Json) -> bool:
        """A local Bot API server accepts plain HTTP, too."""
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", parameters.get("secret_token", "x")):
            raise Wrong(400, "Bad Request: secret token contains unallowed characters")
        self.webhook = parameters
        return True

    async def _commands(self, parameters: Json) -> bool:
        for each in parameters["commands"]:
            if (
                not re.fullmatch(r"[a-z0-9_]{1,32}", each["command"])
                or not 1 <= len(each["description"]) <= 256
            ):
                raise Wrong(400, "Bad Request: BOT_COMMAND_INVALID")
        return True

    async def happen(self, update: Json) -> None:
        """Something that the bot is to hear: by the webhook, again until it says 2xx, or by polling."""
        if self.webhook.get("url"):
            await self._call_webhook(update)
            return
        async with self.changed:
            self.updates.append(update)
            self.changed.notify_all()

    async def _call_webhook(self, update: Json) -> None:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook.get("secret_token", "")}
        headers["Content-Type"] = "application/json"
        async with aiohttp.ClientSession(headers=headers) as http:
            for _ in range(50):
                async with http.post(self.webhook["url"], data=json.dumps(update)) as answer:
                    if answer.status < 300:
                        return
                await asyncio.sleep(0.05)
        raise AssertionError("the webhook did not take the update")
