"""Serves the channel document (spec/openapi/channel.yaml) on aiohttp."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

import spec
from conformance.discovery import BUYERS
from conformance.mini_channel import signatures
from conformance.mini_channel.buyers import Buyers
from conformance.mini_channel.control import Control
from conformance.mini_channel.faults import Faults
from conformance.mini_channel.gateway import Gateway, Json, LostError, RefusedError
from conformance.mini_channel.problems import RefusalError, answer
from conformance.mini_channel.purchases import Intent, Purchases
from conformance.mini_channel.shelf import Shelf
from conformance.mini_channel.signatures import SignedCall

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HOUSE_ITEM = {
    "offer_id": "off_house",
    "name": "House mug",
    "price": {"amount": 500, "currency": "EUR"},
    "buyable": True,
}


class MiniChannel:
    """`async with MiniChannel(secret) as channel`: serves until left at `url`. `fault` breaks it in one way."""

    def __init__(
        self,
        test_secret: str,
        fault: str = "",
        scheme: str = "standard_webhooks",
        port: int = 0,
        holds: bool = True,
    ) -> None:
        self._holds = holds
        self._test_secret, self._scheme, self._port = test_secret, scheme, port
        self._faults = Faults(fault)
        self.url = ""
        self._skew = timedelta()
        self._gateway: Gateway | None = None
        self._buyers: Buyers | None = None
        self._forget()

    def _forget(self) -> None:
        self._log: list[str] = []
        self._shelf = Shelf(self._faults)
        if self._gateway:
            self._purchases = Purchases(self._shelf, self._gateway, self._faults, self._log, self._holds)
            self._buyers = Buyers(self._gateway, self._faults, self._log)

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession()
        app = web.Application(middlewares=[self._middleware])
        prefix = f"{spec.PATH}/test"
        app.router.add_get("/.well-known/vgcp", self._discovery)
        app.router.add_post(f"{spec.PATH}/events", self._event)
        app.router.add_post(f"{prefix}/reset", self._reset)
        app.router.add_post(f"{prefix}/sync", self._sync)
        app.router.add_get(f"{prefix}/shelf", self._list_shelf)
        app.router.add_post(f"{prefix}/purchases", self._purchase)
        app.router.add_get(f"{prefix}/purchases/{{intent_id}}", self._get_purchase)
        app.router.add_get(f"{prefix}/log", self._get_log)
        app.router.add_routes(Control(lambda: self._buyers, self._body).routes())
        if not self._faults("no_clock"):
            app.router.add_post(f"{prefix}/clock", self._clock)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()
        await self._http.close()

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Test control needs the secret; every error becomes a problem document."""
        try:
            controls = request.path.startswith(f"{spec.PATH}/test")
            guarded = controls and not (self._faults("open_test_control") and "/buyers/" not in request.path)
            given = request.headers.get("VGCP-Test-Secret", "")
            if guarded and not secrets.compare_digest(given.encode(), self._test_secret.encode()):
                raise RefusalError("test_secret_invalid")
            return await handler(request)
        except RefusalError as refusal:
            return self._problem(request, refusal)
        except (RefusedError, LostError) as trouble:
            return self._problem(request, RefusalError("unavailable", f"The gateway: {trouble}"))
        except web.HTTPException as other:
            code = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}.get(
                other.status, "internal"
            )
            refused = self._problem(request, RefusalError(code))
            if "Allow" in other.headers:  # RFC 9110, 15.5.6
                refused.headers["Allow"] = other.headers["Allow"]
            return refused

    def _problem(self, request: web.Request, refusal: RefusalError) -> web.Response:
        if refusal.code == "not_found" and self._faults("plain_errors"):
            return web.Response(status=404, text="nothing here")
        return answer(refusal, request.headers.get("traceparent"))

    async def _body(self, request: web.Request, type_name: str) -> Json:
        """The body, held against its schema; raises RefusalError."""
        if request.content_type != "application/json":
            raise RefusalError("media_type_unsupported")
        try:
            value: Json = await request.json()
        except ValueError as error:
            raise RefusalError("malformed") from error
        wrong = spec.validator(type_name).errors(value)
        if wrong:
            raise RefusalError("invalid", f"{wrong[0][0]}: {wrong[0][1]}")
        return value

    async def _discovery(self, request: web.Request) -> web.Response:
        names = [
            "catalog",
            "inventory",
            "orders",
            "delivery",
            "events",
            "sealed_delivery",
            *BUYERS,
            "test_control",
        ]
        if self._faults("missing_capability"):
            names.remove("events")
        api = self.url + spec.PATH
        return web.json_response(
            {
                "protocol": "vgcp",
                "role": "shop" if self._faults("wrong_role") else "channel",
                "name": "Mini channel",
                "versions": [spec.VERSION],
                "sandbox": not self._faults("sandbox_false"),
                "capabilities": [{"name": name, "revision": 1} for name in names],
                "profiles": ["core", "identity", "ownership"],
                "endpoints": {"api": api, "events": f"{api}/events"},
                "implementation": {"name": "mini-channel", "version": "1"},
                "signature_scheme": "carrier_pigeon" if self._faults("unknown_scheme") else self._scheme,
            }
        )

    async def _event(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self._faults("acts_before_verifying"):
            self._shelf.take(await self._body(request, "Event"))
        if self._gateway is None:
            raise RefusalError("signature_invalid")
        call = SignedCall(request.method, str(request.url), request.headers, body)
        if self._scheme == "rfc9421":
            signatures.rfc9421(call, await self._gateway.keys(), self._faults)
        else:
            signatures.standard(call, self._gateway.webhook_secret, self._faults)
        event = await self._body(request, "Event")
        self._shelf.take(event)
        if self._buyers:
            self._buyers.take(event)
        return web.Response(status=204)

    async def _reset(self, request: web.Request) -> web.Response:
        connection = (await self._body(request, "TestReset")).get("gateway")
        if connection and not (self._gateway and self._faults("keeps_first_gateway")):
            self._gateway = Gateway(self._http, connection, self._faults)
        self._forget()
        return web.Response(status=204)

    async def _sync(self, request: web.Request) -> web.Response:
        if self._gateway:
            await self._shelf.catch_up(self._gateway)
        return web.Response(status=204)

    async def _list_shelf(self, request: web.Request) -> web.Response:
        items = [
            {
                "offer_id": offer["id"],
                "name": offer["product"]["name"],
                "price": offer["price"],
                "buyable": self._shelf.buyable(offer),
            }
            for offer in self._shelf.offers.values()
            if self._shelf.on_sale(offer["id"])
        ]
        return web.json_response(
            {"items": [*items, HOUSE_ITEM] if self._faults("sells_unoffered") else items}
        )

    async def _purchase(self, request: web.Request) -> web.Response:
        wish = await self._body(request, "TestPurchaseRequest")
        if self._gateway is None:
            raise RefusalError("unavailable")
        return self._seen(await self._purchases.press(wish))

    async def _get_purchase(self, request: web.Request) -> web.Response:
        intent = self._purchases.intents.get(request.match_info["intent_id"]) if self._gateway else None
        if intent is None:
            raise RefusalError("not_found")
        return self._seen(intent)

    def _seen(self, intent: Intent) -> web.Response:
        seen: Json = {"intent_id": intent.id, "outcome": intent.outcome, "order_id": intent.order.get("id")}
        seen |= {"total": intent.total or None, "reason": intent.reason or None}
        if intent.shown:
            seen["goods_shown"] = intent.goods
        if not self._faults("null_members"):
            seen = {name: value for name, value in seen.items() if value is not None}
        return web.json_response(seen)

    async def _get_log(self, request: web.Request) -> web.Response:
        return web.json_response({"lines": self._log})

    async def _clock(self, request: web.Request) -> web.Response:
        self._skew += timedelta(seconds=(await self._body(request, "TestClock"))["advance_seconds"])
        now = datetime.now(UTC) + self._skew
        return web.json_response({"now": now.isoformat(timespec="seconds").replace("+00:00", "Z")})
