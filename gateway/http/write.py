"""The one way by which handlers change something: a rule in a transaction, under the request's idempotency key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import orjson

from gateway.core.idempotency import idempotent
from gateway.core.ports import Books
from gateway.http.request import Request
from gateway.http.response import Response


async def write(request: Request, status: int, rule: Callable[[Books], Any], *, secret: bool = False) -> Response:
    """Run the rule once for the key and answer its wire object; or give the first answer again (IDM-002 to IDM-005).

    `secret` answers carry goods: they are sealed where they are kept, and no cache may keep them.
    """
    services, call, operation = request.services, request.call, request.operation
    mark = fingerprint(request)

    def run(books: Books) -> tuple[int, bytes]:
        return status, orjson.dumps(rule(books))

    answer = await services.writer.run(
        lambda books: idempotent(books, services.vault, call, operation, mark, lambda: run(books), secret=secret)
    )
    response = Response(answer.status, answer.body)
    if answer.replayed:
        response.headers.append((b"idempotency-replayed", b"true"))
    if secret:
        response.headers.append((b"cache-control", b"no-store"))
    return response


def fingerprint(request: Request) -> bytes:
    """What makes it the same request: the path's parameters and the body's value, however it is spelled. 32 bytes."""
    path = {name: value for name, value in request.values.items() if name.endswith("_id")}
    return hashlib.sha256(orjson.dumps([path, request.body], option=orjson.OPT_SORT_KEYS)).digest()
