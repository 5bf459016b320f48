"""Test control of buyers, served: see buyers.py and spec/openapi/channel.yaml."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

import spec
from conformance.mini_channel.buyers import Buyers
from conformance.mini_channel.gateway import Json
from conformance.mini_channel.problems import RefusalError

Body = Callable[[web.Request, str], Awaitable[Json]]


class Control:
    """The operations, each a method of its name. `buyers` gives those of the gateway that is traded with, if any."""

    def __init__(self, buyers: Callable[[], Buyers | None], body: Body) -> None:
        self._buyers, self._body = buyers, body

    def routes(self) -> list[web.RouteDef]:
        """All of it."""
        declared = [one for one in spec.operations("channel") if "/test/buyers/" in one.path]
        return [web.route(one.method, one.path, getattr(self, one.id)) for one in declared]

    def _of(self, request: web.Request) -> tuple[Buyers, str]:
        buyers = self._buyers()
        if buyers is None:
            raise RefusalError("unavailable")
        return buyers, request.match_info["reference"]

    async def test_link(self, request: web.Request) -> web.Response:
        """Begin a link."""
        wish = await self._body(request, "TestLinkRequest")
        buyers, who = self._of(request)
        return web.json_response(await buyers.link(who, wish))

    async def test_confirm_link(self, request: web.Request) -> web.Response:
        """Enter the code that was mailed."""
        code = (await self._body(request, "TestCode"))["code"]
        buyers, who = self._of(request)
        return web.json_response(await buyers.confirm(who, request.match_info["link_id"], code))

    async def test_unlink(self, request: web.Request) -> web.Response:
        """End a link."""
        buyers, who = self._of(request)
        return web.json_response(await buyers.unlink(who, request.match_info["link_id"]))

    async def test_list_consents(self, request: web.Request) -> web.Response:
        """What she allows."""
        buyers, who = self._of(request)
        return web.json_response({"items": await buyers.consents(who)})

    async def test_set_consent(self, request: web.Request) -> web.Response:
        """Give or withdraw."""
        wish = await self._body(request, "TestConsentRequest")
        buyers, who = self._of(request)
        return web.json_response(await buyers.decide(who, request.match_info["purpose"], wish))

    async def test_erase_buyer(self, request: web.Request) -> web.Response:
        """Have her data erased."""
        buyers, who = self._of(request)
        await buyers.erase(who)
        return web.Response(status=204)

    async def test_export_buyer(self, request: web.Request) -> web.Response:
        """What is held about her."""
        buyers, who = self._of(request)
        return web.json_response(await buyers.export(who))

    async def test_list_goods(self, request: web.Request) -> web.Response:
        """What is hers."""
        buyers, who = self._of(request)
        return web.json_response({"items": await buyers.goods(who)})

    async def test_get_certificate(self, request: web.Request) -> web.Response:
        """The proof of it."""
        buyers, who = self._of(request)
        made = await buyers.certificate(who, request.match_info["entitlement_id"])
        return web.json_response({"certificate": made})

    async def test_offer_transfer(self, request: web.Request) -> web.Response:
        """Hand it on."""
        wish = await self._body(request, "TestTransferRequest")
        buyers, who = self._of(request)
        return web.json_response(await buyers.offer(who, wish["entitlement_id"]))

    async def test_accept_transfer(self, request: web.Request) -> web.Response:
        """Take what somebody hands on."""
        code = (await self._body(request, "TestCode"))["code"]
        buyers, who = self._of(request)
        return web.json_response(await buyers.accept(who, code))
