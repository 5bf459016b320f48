"""Around the pages about a buyer over all channels: they are there where the gateway declares it, and say so when it
cannot be reached or refuses."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import wraps

from aiohttp import web

from reference_channels.kit.errors import GatewayError, Json, Problem
from reference_channels.trade.buyers import NotOfferedError, final, offered
from reference_channels.trade.ownership import NotHersError
from reference_channels.webshop.pages import errors
from reference_channels.webshop.settings import SHOP

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = logging.getLogger(__name__)


def needs(capability: str) -> Callable[[Handler], Handler]:
    """The page is there where the gateway declares the capability, and what is not the visitor's is not."""

    def around(handler: Handler) -> Handler:
        @wraps(handler)
        async def page(request: web.Request) -> web.StreamResponse:
            if capability not in offered(request.app[SHOP]):
                raise web.HTTPNotFound
            try:
                return await handler(request)
            except (NotOfferedError, NotHersError) as error:
                raise web.HTTPNotFound from error
            except GatewayError as error:
                log.warning("the gateway did not do it", extra={"problem": str(error)})
                gone = isinstance(error, Problem) and error.code == "not_found"
                return errors.page(request, 404 if gone else 503)

        return page

    return around


async def attempt(work: Awaitable[object]) -> str:
    """Do what the buyer asked for; the code of the gateway's refusal, "" when it did it. Raises GatewayError when it is
    not known, or may work later."""
    try:
        await work
    except Problem as problem:
        if not final(problem):
            raise
        return problem.code
    return ""


async def outcome(work: Awaitable[Json]) -> tuple[Json, str]:
    """What was made, and why nothing was; see `attempt`."""
    made: Json = {}

    async def make() -> None:
        made.update(await work)

    return made, await attempt(make())


def onward(place: str) -> web.Response:
    """To this page, by GET."""
    return web.Response(status=303, headers={"Location": place, "Cache-Control": "no-store"})
