"""The adapter to connexion 3.3.0, and the only file that subclasses it.

connexion reads the operations of the (derived 3.0.3) document, resolves each operationId to its handler and builds the
application.
Routing is a table of our own and validation is compiled from the 3.1 document, because connexion's own rebuild a
validator on every request and know only Draft 4 (docs/decisions; the classes used here are public but undocumented, so
tests/http/test_connexion_contract.py pins what is relied on).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

import spec
from gateway.core.errors import ProtocolError
from gateway.http.credentials import PAGE
from gateway.http.endpoint import Endpoint
from gateway.http.passkey_page import PasskeyPage
from gateway.http.request import Handler
from gateway.http.response import Receive, Response, Scope, Send, send_response
from gateway.http.routing import Routes, target_of
from gateway.http.services import Services

with warnings.catch_warnings():
    # it imports a test client and a resolver of references that other libraries are about to drop; that is its maker's
    # to mend, and nothing an operator should read at every start
    warnings.simplefilter("ignore")
    from connexion.middleware import ConnexionMiddleware
    from connexion.middleware.abstract import RoutedAPI, RoutedMiddleware
    from connexion.operations import AbstractOperation
    from connexion.resolver import Resolution, Resolver

Json = dict[str, Any]
TEST_CONTROL = "test_control"
SOME_ANSWER = {"default": {"description": "See the whole document."}}  # OpenAPI wants one


class OperationResolver(Resolver):  # type: ignore[misc]  # connexion ships no types
    """From an operationId to the handler of that name."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        super().__init__()
        self._handlers = handlers

    def resolve(self, operation: AbstractOperation) -> Resolution:
        """The handler. Raises KeyError at start for an operation that nobody serves."""
        name = operation.operation_id
        return Resolution(self._handlers[name], name)


class GatewayAPI(RoutedAPI[Endpoint]):  # type: ignore[misc]
    """Makes an endpoint of each operation of the document and enters it in the routing table."""

    def __init__(self, specification: Any, *, services: Services, **kwargs: Any) -> None:
        super().__init__(specification, **kwargs)
        self._services = services
        self.routes = Routes()
        self.add_paths()
        self.routes.add("GET", PAGE, PasskeyPage(services.settings.name))

    def make_operation(self, operation: AbstractOperation) -> Endpoint:
        """The endpoint, with validators from the 3.1 document, not from the one that connexion has."""
        described = spec.operation("gateway", operation.operation_id)
        endpoint = Endpoint(described, operation.function, self._services)
        self.routes.add(operation.method.upper(), operation.path, endpoint)
        return endpoint


class GatewayMiddleware(RoutedMiddleware[GatewayAPI]):  # type: ignore[misc]
    """Finds the endpoint by our own table; what it does not know goes on to the terminal application."""

    api_cls = GatewayAPI

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self._routes = Routes()

    def add_api(self, specification: Any, **kwargs: Any) -> GatewayAPI:
        """Called by connexion when it builds the stack."""
        api: GatewayAPI = super().add_api(specification, **kwargs)
        self._routes = api.routes
        return api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Raises ProtocolError for the outermost layer to render."""
        if scope["type"] != "http":
            return
        found = self._routes.find(scope["raw_path"])
        if found is None:
            await self.app(scope, receive, send)
            return
        node, params = found
        if scope["method"] == "OPTIONS":
            response = Response(204)
            response.headers.append((b"allow", node.allow.encode()))
            await send_response(send, response, scope["vgcp.exchange"])
            return
        endpoint: Endpoint | PasskeyPage = target_of(node, scope["method"])
        await endpoint(scope, receive, send, params)


async def nothing_there(scope: Scope, receive: Receive, send: Send) -> None:
    """The terminal application: no operation has this path (ERR-006)."""
    raise ProtocolError("not_found", "There is no such path.")


def make_app(services: Services, handlers: Mapping[str, Handler]) -> ConnexionMiddleware:
    """The application over the gateway document; outside of a sandbox without test control (TST-005)."""
    app = ConnexionMiddleware(nothing_there, middlewares=[GatewayMiddleware])
    app.add_api(
        _served(services.settings.sandbox),
        base_path="",
        resolver=OperationResolver(handlers),
        services=services,
    )
    return app


async def build(app: ConnexionMiddleware) -> None:
    """connexion builds its stack with the first call; let that not be a buyer's."""
    await app({"type": "build"}, _never, _never)


async def _never(*_: Any) -> Any:
    raise AssertionError("nothing is received or sent while the stack is built")


@cache
def _served(sandbox: bool) -> Json:
    """Which operations there are, and no more: connexion would check and resolve all schemas at every start, and use
    none of them."""
    document = spec.document_30("gateway")
    paths = {
        path: {
            method: {"operationId": node["operationId"], "responses": SOME_ANSWER}
            for method, node in methods.items()
        }
        for path, methods in document["paths"].items()
        if sandbox or not any(TEST_CONTROL in node.get("tags", []) for node in methods.values())
    }
    return {"openapi": document["openapi"], "info": document["info"], "paths": paths}
