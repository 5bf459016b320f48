"""What is no gateway passes nothing and is never certified."""

from __future__ import annotations

import json
import re
import socket

import pytest
from aiohttp import web

import spec
from conformance import timing
from conformance.mini_gateway import MiniGateway
from conformance.model import Verdict
from conformance.runner import Run, Target, run
from tests.conformance.hosts import HOSTS, Handler, always_200, always_204, always_400, paper_tiger, serving


async def certify(url: str) -> Run:
    """Certify what is at this origin."""
    return await run(Target("gateway", url, "only-for-tests"))


def passes(result: Run) -> set[str]:
    """The checks that passed."""
    return {f.check.id for f in result.findings if f.verdict is Verdict.PASS}


async def test_a_dead_host_is_void() -> None:
    """Nobody listens: nothing passes, and the run is void."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    result = await certify(f"http://127.0.0.1:{port}")
    assert (passes(result), result.verdict, result.exit_code) == (set(), "void", 3)


@pytest.mark.parametrize("name", HOSTS)
async def test_a_host_without_discovery_is_void(name: str) -> None:
    """Whatever it answers to everything: nothing passes, and the run is void."""
    async with serving(HOSTS[name]) as url:
        result = await certify(url)
    assert (passes(result), result.verdict, result.exit_code) == (set(), "void", 3)
    assert result.void


@pytest.mark.parametrize("answer", [always_200, always_204, always_400], ids=lambda f: f.__name__)
async def test_fine_words_pass_nothing(answer: Handler) -> None:
    """A flawless discovery document with nothing behind it passes no check, and is not certified."""
    async with serving(paper_tiger("gateway", answer)) as url:
        result = await certify(url)
    assert passes(result) == set()
    assert result.verdict == "void"


async def _recorded(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, bytes]]:
    """The first success that the mini gateway gave to every operation in a certification."""
    async with MiniGateway(retry_pause=0.3) as gateway:
        seen = await run(Target("gateway", gateway.url, gateway.test_secret))
    found: dict[str, tuple[int, bytes]] = {}
    for exchange in seen.transcript.all(direction="sent"):
        if exchange.response and 200 <= exchange.status < 300:
            found.setdefault(exchange.operation, (exchange.status, exchange.response.body))
    return found


async def test_a_parrot_passes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that repeats, operation by operation, what a right gateway once answered is void."""
    recorded = await _recorded(monkeypatch)
    routes = [
        (o.method, re.compile("^" + re.sub(r"\{\w+\}", "[^/]+", o.path) + "$"), o.id)
        for o in spec.operations("gateway")
    ]

    async def parrot(request: web.Request) -> web.StreamResponse:
        name = next((n for m, p, n in routes if m == request.method and p.match(request.path)), "")
        status, body = recorded.get(name, (200, b"{}"))
        origin = f"{request.scheme}://{request.host}"
        if name == "get_discovery":
            document = json.loads(body)
            document["endpoints"] = {k: origin + _path(v) for k, v in document["endpoints"].items()}
            body = json.dumps(document).encode()
        return web.Response(status=status, body=body, content_type="application/json")

    async with serving(parrot) as url:
        result = await certify(url)
    assert (passes(result), result.verdict) == (set(), "void")


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


async def test_patience_is_bounded() -> None:
    """What never comes is waited for at most this long."""
    assert timing.RETRY_PATIENCE <= 15
    assert timing.EVENT_PATIENCE <= 6
