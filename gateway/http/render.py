"""From wire objects to answers."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.http.response import Response


def render(status: int, value: Any) -> Response:
    """JSON."""
    return Response(status, orjson.dumps(value))


def cached(value: Any, seconds: int = 60) -> Response:
    """A public document that may be kept for so long."""
    response = render(200, value)
    response.headers.append((b"cache-control", b"public, max-age=%d" % seconds))
    return response
