"""What gateway/http/framework.py relies on in connexion, which documents none of it."""

from __future__ import annotations

import inspect
from importlib.metadata import version
from typing import Any

import pytest
from connexion.middleware import ConnexionMiddleware
from connexion.middleware.abstract import RoutedAPI, RoutedMiddleware
from connexion.resolver import Resolution, Resolver
from connexion.spec import Specification

import spec

DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "contract", "version": "1"},
    "paths": {
        "/things/{thing_id}": {
            "get": {
                "operationId": "get_thing",
                "summary": "Braces {{ stay }}",
                "parameters": [
                    {"name": "thing_id", "in": "path", "required": True, "schema": {"type": "string"}}
                ],
                "responses": {"200": {"description": "ok"}},
            }
        }
    },
}


class OneResolver(Resolver):
    """Every operation is served by the same function."""

    def resolve(self, operation: Any) -> Resolution:
        """connexion calls this with the operation and takes function and operation_id of the answer."""
        return Resolution(self.serve, operation.operation_id)

    async def serve(self) -> None:
        """Nothing."""


class NotingAPI(RoutedAPI[Any]):
    """Notes what connexion hands to make_operation."""

    def __init__(self, specification: Specification, *, seen: list[Any], **kwargs: Any) -> None:
        super().__init__(specification, **kwargs)
        self.seen = seen
        self.add_paths()

    def make_operation(self, operation: Any) -> Any:
        """The hook that is overridden."""
        self.seen.append(operation)
        return operation


class NotingMiddleware(RoutedMiddleware[NotingAPI]):
    """Calls its application for everything."""

    api_cls = NotingAPI

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        await self.app(scope, receive, send)


def test_the_version_is_the_one_that_was_read() -> None:
    """Another version is to be read before it is used."""
    assert version("connexion") == "3.3.0"


async def test_the_stack_is_built_from_the_middlewares_given_and_ends_in_the_terminal_app() -> None:
    """Extra arguments of add_api reach the API class, operations carry method, path, id and function."""
    seen: list[Any] = []
    called: list[Any] = []

    async def terminal(scope: Any, receive: Any, send: Any) -> None:
        called.append(scope["type"])

    app = ConnexionMiddleware(terminal, middlewares=[NotingMiddleware])
    app.add_api(DOCUMENT, base_path="", resolver=OneResolver(), seen=seen)
    await app({"type": "anything"}, None, None)
    (operation,) = seen
    assert called == ["anything"]
    assert (operation.method, operation.path) == ("get", "/things/{thing_id}")
    assert operation.operation_id == "get_thing"
    assert operation.function.__name__ == "serve"


def test_a_dictionary_is_not_put_through_a_template() -> None:
    """A document in a file would be: braces in prose would be eaten."""
    loaded = Specification.load(DOCUMENT)
    assert loaded["paths"]["/things/{thing_id}"]["get"]["summary"] == "Braces {{ stay }}"


def test_our_derived_document_is_taken_and_the_canonical_one_is_not() -> None:
    """The reason why a 3.0.3 document is derived at all; when this fails, it need not be any more."""
    Specification.load(spec.document_30("gateway"))
    with pytest.raises(Exception, match=r"3\.1|spec version|InvalidSpecification|openapi"):
        Specification.load(spec.document("gateway"))


def test_the_hooks_have_the_signatures_that_are_overridden() -> None:
    """Names of parameters included, since they are passed by name."""
    assert list(inspect.signature(RoutedMiddleware.__init__).parameters) == ["self", "app"]
    assert list(inspect.signature(RoutedMiddleware.add_api).parameters) == ["self", "specification", "kwargs"]
    assert list(inspect.signature(RoutedAPI.make_operation).parameters) == ["self", "operation"]
    assert list(inspect.signature(Resolver.resolve).parameters) == ["self", "operation"]
