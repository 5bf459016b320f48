"""Hosts that are no implementation at all, and must pass nothing. `passes` says what one of them passed.

A check that any of them passes shows nothing: it would be green for who does nothing, or says yes to everything.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from aiohttp import web

import spec
from conformance.mini_channel import MiniChannel
from conformance.mini_gateway import MiniGateway
from conformance.model import Role, Verdict
from conformance.runner import Run, Target, run

SECRET = "of-no-use"  # noqa: S105 - what these hosts make of a secret is nothing
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Recorded = dict[str, tuple[int, bytes]]


async def always_200(request: web.Request) -> web.StreamResponse:
    """Agrees to everything, with an empty object."""
    return web.json_response({})


async def always_204(request: web.Request) -> web.StreamResponse:
    """Agrees to everything, with nothing."""
    return web.Response(status=204)


async def always_400(request: web.Request) -> web.StreamResponse:
    """Refuses everything, with a proper problem."""
    problem = {
        "type": "urn:vgcp:problem:malformed",
        "title": "No",
        "status": 400,
        "code": "malformed",
        "retryable": False,
        "trace_id": "1" * 32,
    }
    return web.json_response(problem, status=400, content_type="application/problem+json")


async def always_500(request: web.Request) -> web.StreamResponse:
    """Is always broken, in plain text."""
    return web.Response(status=500, text="oops")


async def echo(request: web.Request) -> web.StreamResponse:
    """Says what it is told."""
    return web.Response(body=await request.read(), content_type=request.content_type)


async def hang_up(request: web.Request) -> web.StreamResponse:
    """Closes the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def smooth_talker(request: web.Request) -> web.StreamResponse:
    """Answers a channel's test control as if all were well, and does nothing."""
    place = request.path.rpartition("/")[2]
    try:
        body = json.loads(await request.read())
    except ValueError:
        body = {}
    sold = {"outcome": "fulfilled", "goods_shown": ["FAKE"], "total": {"amount": 1, "currency": "EUR"}}
    if place == "shelf":
        return web.json_response({"items": []})
    if place == "log":
        return web.json_response({"lines": []})
    if place == "clock":
        return web.json_response({"now": "2026-01-01T00:00:00Z"})
    if "purchases" in request.path:
        intent = body.get("intent_id", place)
        return web.json_response({"intent_id": intent, "order_id": "ord_fake", **sold})
    return web.Response(status=204)


PLAIN: dict[str, Handler] = {
    "always 200": always_200,
    "always 204": always_204,
    "always 400": always_400,
    "always 500": always_500,
    "echo": echo,
    "null": hang_up,
}
TALKERS = (always_200, always_204, always_400, smooth_talker)  # behind a flawless discovery document


def discovery(role: str, origin: str) -> dict[str, Any]:
    """A flawless discovery document."""
    api = f"{origin}{spec.PATH}"
    names = ("catalog", "inventory", "orders", "delivery", "events", "test_control")
    return {
        "protocol": "vgcp",
        "role": role,
        "name": "Paper tiger",
        "versions": [spec.VERSION],
        "sandbox": True,
        "capabilities": [{"name": name, "revision": 1} for name in names],
        "profiles": ["core"],
        "endpoints": {"api": api, "events": f"{api}/events", "token": f"{api}/oauth/token"},
        "implementation": {"name": "paper-tiger", "version": "1"},
        "signature_scheme": "standard_webhooks",
    }


def paper_tiger(role: Role, answer: Handler) -> Handler:
    """A host with a flawless discovery document and this handler for the rest."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path == "/.well-known/vgcp":
            return web.json_response(discovery(role, f"{request.scheme}://{request.host}"))
        return await answer(request)

    return handle


async def recorded(role: Role) -> Recorded:
    """What a parrot needs, of a certification that is made for it."""
    if role == "gateway":
        async with MiniGateway(retry_pause=0.3) as gateway:
            return successes(await run(Target(role, gateway.url, gateway.test_secret)))
    async with MiniChannel(SECRET) as channel:
        return successes(await run(Target(role, channel.url, SECRET)))


def successes(seen: Run) -> Recorded:
    """The first success that a right implementation gave to every operation in its certification."""
    found: Recorded = {}
    for exchange in (seen.live or seen.transcript).all(direction="sent"):
        if exchange.response and 200 <= exchange.status < 300:
            name = exchange.operation.rpartition(":")[2]
            found.setdefault(name, (exchange.status, exchange.response.body))
    return found


def parrot(role: Role, answers: Recorded) -> Handler:
    """A host that repeats, operation by operation, what a right implementation once answered."""
    routes = [
        (o.method, re.compile("^" + re.sub(r"\{\w+\}", "[^/]+", o.path) + "$"), o.id)
        for o in spec.operations(role)
    ]

    async def handle(request: web.Request) -> web.StreamResponse:
        name = next((n for m, p, n in routes if m == request.method and p.match(request.path)), "")
        status, body = answers.get(name, (200, b"{}"))
        if name == "get_discovery":
            document, origin = json.loads(body), f"{request.scheme}://{request.host}/"
            places = document["endpoints"].items()
            document["endpoints"] = {name: origin + url.split("/", 3)[3] for name, url in places}
            body = json.dumps(document).encode()
        return web.Response(status=status, body=body, content_type="application/json")

    return handle


def hosts(role: Role, answers: Recorded) -> dict[str, Handler]:
    """All hosts for a role by name; only the dead one is missing, for it has no handler."""
    tigers = {f"paper tiger, {talk.__name__}": paper_tiger(role, talk) for talk in TALKERS}
    return PLAIN | tigers | {"parrot": parrot(role, answers)}


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """The origin of a host that answers everything by this handler."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextmanager
def dead() -> Iterator[str]:
    """The origin of a host where nobody listens: its port is taken, and nothing accepts there."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def passes(result: Run) -> set[str]:
    """The checks that passed."""
    return {f.check.id for f in result.findings if f.verdict is Verdict.PASS}


async def certify(role: Role, url: str) -> Run:
    """Certify what is at this origin."""
    return await run(Target(role, url, SECRET))
