"""The gateway that the suite plays towards a channel: the mini gateway behind a front that records and meddles.

Every request of the channel passes the front, which records it, may answer it wrongly as a scenario asked, hides
offers from the feed, serves the event feed of the scenarios, and adds what a later version of the standard might.
"""

from __future__ import annotations

import json
import re
import secrets
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

import aiohttp
from aiohttp import web

import spec
from conformance.driver.faults import Fault, problem
from conformance.driver.played_buyers import Buyers
from conformance.driver.played_goods import Asked, RefusedError
from conformance.driver.played_world import World
from conformance.driver.signer import Signer
from conformance.mini_gateway import MiniGateway
from conformance.transcript import Exchange, Message, Transcript

KEPT = (
    "content-type",
    "traceparent",
    "vgcp-request-id",
    "idempotency-replayed",
    "retry-after",
    "www-authenticate",
)
FIRST, SECOND = "first gateway", "second gateway"  # labels of the requests that they hear
FEEDS = ("list_offers", "list_events")


def _routes() -> list[tuple[str, str, re.Pattern[str]]]:
    """(operation, method, path) of everything a channel may ask a gateway."""
    routes = []
    for operation in spec.operations("gateway"):
        if not operation.id.startswith(("test_", "send_")):
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(operation.path))
            routes.append((operation.id, operation.method, re.compile(f"^{pattern}$")))
    return routes


class PlayedGateway:
    """`async with PlayedGateway(transcript, host) as gateway`: runs until left. `url` is what the channel is told."""

    def __init__(
        self,
        transcript: Transcript,
        host: str = "127.0.0.1",
        name: str = FIRST,
        without: tuple[str, ...] = (),
    ) -> None:
        """`without`: capabilities that this gateway does not declare."""
        self.transcript, self.host, self.name, self.without = transcript, host, name, without
        self.url = ""
        self.client: dict[str, str] = {}
        self.faults: list[Fault] = []
        self.events: list[dict[str, Any]] = []  # what list_events serves
        self.hidden: set[str] = set()  # offers whose changes the feed keeps back
        self.dressed: dict[
            str, str
        ] = {}  # offer -> "members" or "values" that no version knows, in its answers
        self.world = World(transcript.wall)  # what it knows of buyers
        self._secret = secrets.token_urlsafe(16)
        self._routes = _routes()
        self._upstream = MiniGateway(test_secret=self._secret)

    async def __aenter__(self) -> Self:
        await self._upstream.__aenter__()
        self._http = aiohttp.ClientSession(auto_decompress=False)
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, 0)
        await site.start()
        self.url = f"http://{self.host}:{self._runner.addresses[0][1]}"
        self.client = await self.control("POST", "/clients", {"name": "channel under certification"})
        self.signer = Signer(self.client["webhook_secret"], self.transcript.wall)
        self._buyers = Buyers(self.world, self.url, self.signer)
        self.transcript.secret(self.client["client_secret"], self.client["webhook_secret"])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()
        await self._http.close()
        await self._upstream.__aexit__(kind, error, trace)

    # what the scenarios use

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Test control of the mini gateway, behind the front and not recorded. Raises RuntimeError when refused."""
        url = f"{self._upstream.url}{spec.PATH}/test{path}"
        async with self._http.request(
            method, url, json=body, headers={"VGCP-Test-Secret": self._secret}
        ) as answer:
            text = await answer.text()
            if answer.status >= 300:
                raise RuntimeError(f"the mini gateway refused {method} {path}: {text}")
            return json.loads(text) if text else None

    def connection(self) -> dict[str, str]:
        """TestGatewayConnection: what test_reset tells the channel."""
        return {
            "url": self.url,
            "client_id": self.client["client_id"],
            "client_secret": self.client["client_secret"],
            "webhook_secret": self.client["webhook_secret"],
        }

    # serving

    def _operation(self, method: str, path: str) -> str:
        return next((name for name, verb, p in self._routes if verb == method and p.match(path)), "")

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        number, started = self.transcript.number(), self.transcript.now()
        operation = self._operation(request.method, request.path)
        text = f"{request.rel_url} {body.decode('utf-8', 'replace')}"
        owner = "" if operation in FEEDS else self.transcript.owner(text)
        answer, dropped = await self._answer(request, operation, text, body)
        self._learn(operation, owner, answer)
        sent = Message(
            tuple(request.headers.items()), body, method=request.method, url=f"{self.url}{request.rel_url}"
        )
        content = answer.body if isinstance(answer.body, bytes) else b""
        got = None if dropped else Message(tuple(answer.headers.items()), content, status=answer.status)
        ended, error = self.transcript.now(), "the connection was dropped on purpose" if dropped else ""
        self.transcript.record(
            Exchange(number, owner, self.name, "received", operation, sent, got, started, ended, error)
        )
        if dropped and request.transport is not None:
            request.transport.abort()
        return answer

    async def _answer(
        self, request: web.Request, operation: str, text: str, body: bytes
    ) -> tuple[web.Response, bool]:
        trace = request.headers.get("traceparent", "")
        fault = next((f for f in self.faults if f.takes(operation, text)), None)
        if not operation:
            return problem("not_found", trace), False
        if fault and fault.code:
            return problem(fault.code, trace, fault.retry_after), False
        if operation == "list_events":
            return self._feed(request, trace), False
        if self._buyers.plays(operation):
            return self._of_buyers(request, operation, body, trace), bool(fault and fault.drop)
        answer = await self._forward(request, body)
        if fault and fault.then:
            await fault.then()
        return self._dress(operation, answer, text), bool(fault and fault.drop)

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        url = self._upstream.url + str(request.rel_url)
        passed = {k: v for k, v in request.headers.items() if k.lower() not in ("host", "content-length")}
        async with self._http.request(request.method, url, data=body or None, headers=passed) as answer:
            content = (await answer.read()).replace(self._upstream.url.encode(), self.url.encode())
            headers = {k: v for k, v in answer.headers.items() if k.lower() in KEPT}
            return web.Response(status=answer.status, body=content, headers=headers)

    def _feed(self, request: web.Request, trace: str) -> web.Response:
        """The event feed: only what the scenarios put there. The cursor is a position."""
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return problem("unauthenticated", trace)
        cursor = request.query.get("cursor", "")
        if cursor and not cursor.startswith("feed-"):
            return problem("cursor_invalid", trace)
        start = int(cursor.removeprefix("feed-") or 0)
        page = self.events[start : start + min(int(request.query.get("limit", "100")), 2)]
        end = start + len(page)
        more = end < len(self.events)
        return web.json_response({"items": page, "next_cursor": f"feed-{end}", "has_more": more})

    def _of_buyers(self, request: web.Request, operation: str, body: bytes, trace: str) -> web.Response:
        """What is asked about a buyer, answered here."""
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return problem("unauthenticated", trace)
        known = spec.operation("gateway", operation)
        if known.tag in self.without:
            return problem("not_found", trace)
        key = request.headers.get("Idempotency-Key", "")
        if known.idempotent and not key:
            return problem("idempotency_key_missing", trace)
        try:
            given = json.loads(body) if body else {}
            asked = Asked(self._ids(operation, request.path), dict(request.query), given)
            answer = self._buyers.answer(operation, asked, key)
        except RefusedError as refusal:
            return problem(str(refusal), trace)
        except (ValueError, TypeError, AttributeError):
            return problem("invalid", trace)
        if isinstance(answer, bytes):
            return web.Response(body=answer, content_type="application/zip")
        return web.json_response(answer, status=known.response_status)

    def _ids(self, operation: str, path: str) -> dict[str, str]:
        """The ids in a path, by name."""
        found = next((p.match(path) for name, _, p in self._routes if name == operation), None)
        return {name: unquote(value) for name, value in found.groupdict().items()} if found else {}

    def _dress(self, operation: str, answer: web.Response, text: str) -> web.Response:
        """Change an answer: our key in discovery, hidden offers out of the feed, unknown members added."""
        if answer.status >= 300 or not isinstance(answer.body, bytes) or not answer.body:
            return answer
        data = json.loads(answer.body)
        if operation == "get_discovery":
            data.setdefault("keys", {"keys": []})["keys"].append(self.signer.jwk)
            data["capabilities"] = self._declared({one["name"] for one in data["capabilities"]})
            data["profiles"] = ["core"] if self.without else data["profiles"]
        elif operation == "list_offers":
            data["items"] = [self._entry(e) for e in data["items"] if e["offer_id"] not in self.hidden]
        else:
            data = next((dress(data, how) for offer, how in self.dressed.items() if offer in text), data)
        return web.Response(status=answer.status, body=json.dumps(data).encode(), headers=answer.headers)

    def _declared(self, upstream: set[str]) -> list[dict[str, Any]]:
        names = sorted((upstream | {"identity", "consent", "ownership"}).difference(self.without))
        return [{"name": name, "revision": 1} for name in names]

    def _entry(self, entry: dict[str, Any]) -> dict[str, Any]:
        dressed: dict[str, Any] = dress(entry, self.dressed.get(entry["offer_id"], ""))
        return dressed

    def _learn(self, operation: str, owner: str, answer: web.Response) -> None:
        """Remember whose the ids in an answer are, and its secrets."""
        written = (
            answer.body if isinstance(answer.body, bytes) and answer.content_type.endswith("json") else b""
        )
        data = json.loads(written) if written else {}
        if operation == "issue_token":
            self.transcript.secret(str(data.get("access_token", "")))
        if data and answer.status < 300:
            self._see(operation, data)
        if owner and answer.status < 300:
            items = data.get("items", [data])
            self.transcript.claims.update({item["id"]: owner for item in items if "id" in item})

    def _see(self, operation: str, data: dict[str, Any]) -> None:
        """What is sold becomes what a buyer owns."""
        if operation == "list_offers":
            offers = [entry["offer"] for entry in data["items"] if "offer" in entry]
            self.world.products.update({offer["id"]: offer["product"] for offer in offers})
        elif operation in ("create_order", "confirm_payment", "get_order"):
            self.world.sell(data, "channel under certification")


def dress(value: Any, how: str) -> Any:
    """The value with `members` or enum `values` that no version of the standard knows (CNV-001, CNV-002)."""
    if isinstance(value, list):
        return [dress(item, how) for item in value]
    if not isinstance(value, dict) or not how:
        return value
    dressed = {key: dress(item, how) for key, item in value.items()}
    if how == "members":
        return {**dressed, "x_unknown_member": {"added": "by a later version", "values": [1, None, True]}}
    unknown = {"category": "hologram", "consistency": "telepathic"}
    return {key: unknown.get(key, item) for key, item in dressed.items()}
