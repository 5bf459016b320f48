"""An answer that is not as the document says never leaves the gateway."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

import spec
from gateway.core.errors import ProtocolError
from gateway.http.edge import Edge
from gateway.http.endpoint import Endpoint
from gateway.http.limits import Faults
from gateway.http.request import Request
from gateway.http.response import Response
from gateway.http.services import Services
from gateway.settings import Settings


async def good(_: Request) -> Response:
    """As the document says."""
    return Response(200, orjson.dumps({"keys": []}))


async def other_body(_: Request) -> Response:
    """A member is missing."""
    return Response(200, b"{}")


async def other_status(_: Request) -> Response:
    """Not declared."""
    return Response(202, orjson.dumps({"keys": []}))


async def other_problem(_: Request) -> Response:
    """Not one of this operation's."""
    raise ProtocolError("out_of_stock")


async def ask(handler: Any, *, validate: bool) -> tuple[int, dict[str, Any]]:
    """Serve get_jwks by this handler; status and body."""
    settings = Settings(validate_responses=validate)
    services = cast(Services, SimpleNamespace(settings=settings, faults=Faults()))
    endpoint = Endpoint(spec.operation("gateway", "get_jwks"), handler, services)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def api(scope: Any, receive: Any, send: Any) -> None:
        await endpoint(scope, receive, send, {})

    async def ready() -> bool:
        return True

    scope = {"type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": []}
    await Edge(api, ready, lambda _: None)(scope, receive, send)
    return sent[0]["status"], orjson.loads(sent[1]["body"])


@pytest.mark.parametrize("handler", [other_body, other_status, other_problem])
async def test_a_bad_answer_is_internal_and_in_the_log(
    handler: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """With --validate-responses, which all tests have on."""
    with caplog.at_level(logging.ERROR, "gateway.http"):
        status, body = await ask(handler, validate=True)
    assert (status, body["code"]) == (500, "internal")
    assert "BadAnswer" in caplog.text


async def test_a_good_answer_passes() -> None:
    """Checked and sent."""
    assert await ask(good, validate=True) == (200, {"keys": []})


async def test_without_the_setting_answers_are_not_checked() -> None:
    """It costs time."""
    assert (await ask(other_body, validate=False))[0] == 200
    assert (await ask(other_problem, validate=False))[0] == 409
