"""The one way by which channels change something: a rule in a transaction, under the request's idempotency key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import orjson

from gateway.core.errors import ProtocolError
from gateway.core.idempotency import Answer, idempotent
from gateway.core.model import Delivery, Json, Order, Reservation, Row
from gateway.core.model_identity import Account, Link
from gateway.core.model_ownership import Entitlement
from gateway.core.ports import Books
from gateway.http.request import Request
from gateway.http.response import Response

# The rows that a path names: every rule reads them, so they are loaded together with the key's record.
NAMED: dict[str, type[Row]] = {
    "buyer_id": Account,
    "delivery_id": Delivery,
    "entitlement_id": Entitlement,
    "link_id": Link,
    "order_id": Order,
    "reservation_id": Reservation,
}


def _nothing(_: Books) -> None:
    """There is nothing to do."""


async def write(
    request: Request,
    status: int,
    rule: Callable[[Books], Json | ProtocolError],
    *,
    prepare: Callable[[Books], None] = _nothing,
    on_replay: Callable[[Books], None] = _nothing,
    goods: bool = False,
) -> Response:
    """Run the rule once for the key and answer its wire object; or give the first answer again (IDM-002 to IDM-005).

    An error that the rule returns is raised here, after what the rule has written is committed.

    `prepare` notes what the rule will read beyond what the path names, to be loaded together with the key's record;
    `on_replay` is run when an answer is given again. An answer with `goods` is sealed where it is kept, and no cache
    may keep it.
    """
    vault, call, operation = request.services.vault, request.call, request.operation
    mark = vault.fingerprint(fingerprint(request))  # with the vault's key: bodies have addresses and codes
    named = [(NAMED[name], value) for name, value in request.values.items() if name in NAMED]

    def prepared(books: Books) -> None:
        for kind, key in named:
            books.need(kind, (key,))
        prepare(books)

    answer = await request.services.writer.run(
        lambda books: idempotent(
            books,
            vault,
            call,
            operation,
            mark,
            lambda: _dumped(status, rule(books)),
            secret=goods,
            on_replay=lambda: on_replay(books),
            prepare=lambda: prepared(books),
        )
    )
    if isinstance(answer, ProtocolError):
        raise answer
    return _response(answer, goods)


def _response(answer: Answer, goods: bool) -> Response:
    response = Response(answer.status, answer.body)
    if answer.replayed:
        response.headers.append((b"idempotency-replayed", b"true"))
    if goods:
        response.headers.append((b"cache-control", b"no-store"))
    return response


def _dumped(status: int, done: Json | ProtocolError) -> tuple[int, bytes] | ProtocolError:
    return done if isinstance(done, ProtocolError) else (status, orjson.dumps(done))


def fingerprint(request: Request) -> bytes:
    """32 bytes that are equal for equal requests: the path's parameters and the body's value, however it is spelled."""
    path = {name: value for name, value in request.values.items() if name.endswith("_id")}
    return hashlib.sha256(orjson.dumps([path, request.body], option=orjson.OPT_SORT_KEYS)).digest()
