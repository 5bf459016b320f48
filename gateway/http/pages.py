"""Pages of lists: one row more than asked for tells whether there is another page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from gateway.core.errors import ProtocolError
from gateway.http.cursors import decode, encode
from gateway.http.request import Request

R = TypeVar("R")
Json = dict[str, Any]
MAX_POSITION = 2**63 - 1


def cursor_of(request: Request) -> str | None:
    """The value inside the request's cursor. Raises ProtocolError `cursor_invalid` (CNV-006)."""
    cursor = request.values["cursor"]
    return None if cursor is None else decode(request.operation, cursor)


def position_of(request: Request) -> int:
    """Where a feed is to go on; 0 is its beginning. Raises ProtocolError `cursor_invalid`."""
    value = cursor_of(request)
    if value is None:
        return 0
    if not value.isdecimal() or int(value) > MAX_POSITION:
        raise ProtocolError("cursor_invalid")
    return int(value)


def list_page(
    request: Request, rows: Sequence[R], show: Callable[[R], Json], mark: Callable[[R], str]
) -> Json:
    """A page of a list that ends; `rows` are up to `limit` + 1, `mark` is what the next page begins after."""
    limit: int = request.values["limit"]
    page = rows[:limit]
    more = len(rows) > limit
    body: Json = {"items": [show(row) for row in page], "has_more": more}
    if more:
        body["next_cursor"] = encode(request.operation, mark(page[-1]))
    return body


def feed_page(
    request: Request, rows: Sequence[R], show: Callable[[R], Json], position: Callable[[R], int | None]
) -> Json:
    """A page of a feed, which never ends: always with a cursor (CAT-002, EVT-011)."""
    limit: int = request.values["limit"]
    page = rows[:limit]
    last = position(page[-1]) if page else position_of(request)
    return {
        "items": [show(row) for row in page],
        "has_more": len(rows) > limit,
        "next_cursor": encode(request.operation, str(last)),
    }
