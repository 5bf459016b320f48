"""Reading and writing JSON at the protocol's endpoints, held against the standard's schemas."""

from __future__ import annotations

import orjson
from aiohttp import web

import spec
from reference_channels.kit.errors import Json
from reference_channels.trade.problems import RefusalError


async def read(request: web.Request, kind: str) -> Json:
    """The body as a valid document of this type. Raises RefusalError: media type, malformed, invalid."""
    if request.content_type != "application/json":
        raise RefusalError("media_type_unsupported")
    return parse(await request.read(), kind)


def parse(body: bytes, kind: str) -> Json:
    """Bytes to a valid document of this type. Raises RefusalError: malformed, invalid (with JSON
    Pointers)."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RefusalError("malformed") from error
    wrong = spec.validator(kind).errors(document)
    if wrong:
        fields = [{"in": "body", "pointer": p, "detail": message[:1024]} for p, message in wrong[:100]]
        raise RefusalError("invalid", errors=fields)
    found: Json = document
    return found


def answer(document: Json) -> web.Response:
    """A JSON answer that nothing in between may keep."""
    return web.Response(
        body=orjson.dumps(document), content_type="application/json", headers={"Cache-Control": "no-store"}
    )
