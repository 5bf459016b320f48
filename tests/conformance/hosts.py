"""Hosts that are no implementation at all, and must pass nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


HOSTS: dict[str, Handler] = {
    "always 200": always_200,
    "always 204": always_204,
    "always 400": always_400,
    "always 500": always_500,
    "echo": echo,
    "null": hang_up,
}


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


def discovery(role: str, origin: str) -> dict[str, Any]:
    """A flawless discovery document."""
    api = f"{origin}/vgcp/v1"
    names = ("catalog", "inventory", "orders", "delivery", "events", "test_control")
    return {
        "protocol": "vgcp",
        "role": role,
        "name": "Paper tiger",
        "versions": ["1.0"],
        "sandbox": True,
        "capabilities": [{"name": name, "revision": 1} for name in names],
        "profiles": ["core"],
        "endpoints": {"api": api, "events": f"{api}/events", "token": f"{api}/oauth/token"},
        "implementation": {"name": "paper-tiger", "version": "1"},
        "signature_scheme": "standard_webhooks",
    }


def paper_tiger(role: str, answer: Handler) -> Handler:
    """A host with a flawless discovery document and this handler for the rest."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path == "/.well-known/vgcp":
            return web.json_response(discovery(role, f"{request.scheme}://{request.host}"))
        return await answer(request)

    return handle


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
