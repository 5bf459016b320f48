"""The path of one request: authorise, limit, validate, call the handler, and (where asked) validate the answer."""

from __future__ import annotations

import hmac
import logging

import spec
from gateway.core.errors import ProtocolError
from gateway.http.body import read_body
from gateway.http.request import Handler, Request
from gateway.http.response import Receive, Response, Scope, Send, send_response
from gateway.http.services import Services
from gateway.http.validation import RequestCheck, ResponseCheck

log = logging.getLogger("gateway.http")
TRANSPORT = "vgcp.transport"


class BadAnswer(Exception):
    """An answer that is not as the document says; it never leaves the gateway."""


class Endpoint:
    """Serves one operation of the document."""

    def __init__(self, operation: spec.Operation, handler: Handler, services: Services) -> None:
        self.name = operation.id
        self._handler = handler
        self._services = services
        self._check = RequestCheck(operation)
        self._answer_check = ResponseCheck(operation) if services.settings.validate_responses else None
        self._scope = operation.scope
        self._test_control = operation.security == "test"

    async def __call__(self, scope: Scope, receive: Receive, send: Send, params: dict[str, str]) -> None:
        """Serve the request. Raises ProtocolError, with the work undone."""
        exchange = scope["vgcp.exchange"]
        exchange.operation = self.name
        headers = scope["vgcp.headers"]
        request = Request(self._services, self.name, exchange, headers)
        request.peer = (scope.get("client") or ("",))[0]
        try:
            drop = await self._admit(request)
            await self._validate(request, scope, receive, params)
            response = await self._handler(request)
            if self._answer_check is not None:
                self._hold_back(self._answer_check, response)
        except ProtocolError as error:
            # the outermost layer renders it; the quota belongs to every answer
            scope["vgcp.extra_headers"] = request.extra_headers
            if self._answer_check is not None and not self._answer_check.declares(error.code):
                raise BadAnswer(self.name, error.code) from error
            raise
        if drop:
            await hang_up(scope, receive)
            exchange.status = 0
            return
        response.headers.extend(request.extra_headers)
        await send_response(send, response, exchange)

    async def _admit(self, request: Request) -> bool:
        """Who calls, may they, how often; and whether a sandbox fault drops the answer."""
        if self._test_control:
            self._check_secret(request.headers)
            return False
        if self._scope is not None:
            await self._authorise(request, self._scope)
        return self._services.faults.strike(self.name)

    async def _authorise(self, request: Request, needed: str) -> None:
        """AUT-008, AUT-010, LIM-001."""
        services = self._services
        scheme, _, token = request.headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not token:
            raise ProtocolError("unauthenticated", "Send a bearer token.")
        access = await services.tokens.verify(token.strip().decode("latin-1"), services.clock.now())
        client = await services.clients.find(access.channel_id)
        if client is None or not client.active:
            raise ProtocolError("unauthenticated", "The client is not registered any more.")
        request.channel_id = request.exchange.channel = client.id
        request.extra_headers = services.limiter.take(client.id, client.rate_limit_per_minute)
        if needed not in access.scopes:
            raise ProtocolError("scope_missing", f"The scope {needed} is needed.")

    def _check_secret(self, headers: dict[bytes, bytes]) -> None:
        """TST-003."""
        given = headers.get(b"vgcp-test-secret", b"")
        expected = (self._services.settings.test_secret or "").encode()
        if not expected or not hmac.compare_digest(given, expected):
            raise ProtocolError("test_secret_invalid")

    async def _validate(
        self, request: Request, scope: Scope, receive: Receive, params: dict[str, str]
    ) -> None:
        check = self._check
        request.idempotency_key = check.idempotency_key(request.headers)
        request.values = check.parameters(params, scope["query_string"])
        if check.has_body:
            request.raw = await read_body(request.headers, receive, self._services.settings.body_limit)
            request.body = check.body(request.raw, request.headers)

    def _hold_back(self, check: ResponseCheck, response: Response) -> None:
        faults = check.faults(response)
        if faults:
            raise BadAnswer(self.name, faults[:10])


async def hang_up(scope: Scope, receive: Receive) -> None:
    """Close the connection without an answer, and wait until it is closed."""
    scope["extensions"][TRANSPORT]["transport"].abort()
    while (await receive())["type"] != "http.disconnect":
        pass
