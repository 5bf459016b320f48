"""The routing table."""

from __future__ import annotations

import pytest

from gateway.core.errors import ProtocolError
from gateway.http.problems import MethodNotAllowed
from gateway.http.routing import Routes, target_of


@pytest.fixture
def routes() -> Routes:
    """Two literal paths and two with a parameter."""
    made = Routes()
    made.add("GET", "/v1/orders", "list")
    made.add("POST", "/v1/orders", "create")
    made.add("GET", "/v1/orders/{order_id}", "one")
    made.add("POST", "/v1/orders/{order_id}/cancel", "cancel")
    return made


@pytest.mark.parametrize(
    ("path", "method", "target", "params"),
    [
        (b"/v1/orders", "GET", "list", {}),
        (b"/v1/orders", "HEAD", "list", {}),
        (b"/v1/orders", "POST", "create", {}),
        (b"/v1/%6frders", "GET", "list", {}),
        (b"/v1/orders/a", "GET", "one", {"order_id": "a"}),
        (b"/v1/orders/a%2Fb", "GET", "one", {"order_id": "a/b"}),
        (b"/v1/orders/%E4%B8%AD", "GET", "one", {"order_id": "中"}),
        (b"/v1/orders/cancel", "GET", "one", {"order_id": "cancel"}),
        (b"/v1/orders/a/cancel", "POST", "cancel", {"order_id": "a"}),
    ],
)
def test_a_path_finds_its_operation(
    routes: Routes, path: bytes, method: str, target: str, params: dict[str, str]
) -> None:
    """Each segment is decoded by itself."""
    found = routes.find(path)
    assert found is not None
    assert (target_of(found[0], method), found[1]) == (target, params)


@pytest.mark.parametrize(
    "path", [b"/", b"", b"/v1", b"/v1/orders/", b"/v1/orders/a/cancel/b", b"/v2/orders", b"//v1/orders"]
)
def test_a_path_that_is_not_there_is_not_found(routes: Routes, path: bytes) -> None:
    """Also a prefix, and a path that ends in a slash."""
    assert routes.find(path) is None


def test_another_method_names_those_that_are_allowed(routes: Routes) -> None:
    """ERR-007."""
    found = routes.find(b"/v1/orders")
    assert found is not None
    with pytest.raises(MethodNotAllowed) as caught:
        target_of(found[0], "PUT")
    assert caught.value.allow == "GET, HEAD, OPTIONS, POST"


def test_bytes_that_are_not_utf8_are_invalid(routes: Routes) -> None:
    """A path parameter is text."""
    with pytest.raises(ProtocolError) as caught:
        routes.find(b"/v1/orders/%ff")
    assert caught.value.code == "invalid"
