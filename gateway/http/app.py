"""The HTTP side put together: from ports to an ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import spec
from gateway.core.ports import OwnershipLog, OwnershipReads, Queries, Vault
from gateway.http.clients import ClientAuthentication
from gateway.http.edge import Edge, WriteLine
from gateway.http.framework import build, make_app
from gateway.http.handlers import handlers
from gateway.http.keys import KeyRing
from gateway.http.limits import Faults, RateLimiter
from gateway.http.services import (
    ClientDirectory,
    Clock,
    Eraser,
    Erasing,
    Providers,
    Sandbox,
    Services,
    Writer,
)
from gateway.http.status_lists import StatusTokens
from gateway.http.tokens import Tokens
from gateway.settings import Settings

Ready = Callable[[], Awaitable[bool]]


def make_services(
    settings: Settings,
    public_url: str,
    clock: Clock,
    writer: Writer,
    queries: Queries,
    ownership_log: OwnershipLog,
    ownership: OwnershipReads,
    vault: Vault,
    keys: KeyRing,
    sandbox: Sandbox | None,
    providers: Providers,
    erasing: Erasing,
    eraser: Eraser,
) -> Services:
    """What handlers use. `public_url` is the origin under which channels reach this gateway."""
    api = public_url + spec.PATH
    audiences = frozenset({public_url, api, f"{api}/oauth/token"})
    return Services(
        settings=settings,
        clock=clock,
        writer=writer,
        queries=queries,
        ownership_log=ownership_log,
        ownership=ownership,
        vault=vault,
        keys=keys,
        tokens=Tokens(keys, public_url, api, settings.token_life),
        clients=ClientDirectory(queries.channel),
        authentication=ClientAuthentication(queries.channel, audiences),
        limiter=RateLimiter(1 / settings.workers),
        faults=Faults(),
        sandbox=sandbox,
        public_url=public_url,
        status_tokens=StatusTokens(),
        providers=providers,
        erasing=erasing,
        eraser=eraser,
    )


async def make_edge(services: Services, ready: Ready, write_line: WriteLine) -> Edge:
    """The whole application, built and ready to serve. `write_line` takes the access log."""
    api = make_app(services, handlers())
    await build(api)
    return Edge(api, ready, write_line, metrics_public=services.settings.metrics_public)
