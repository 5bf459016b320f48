"""Reads the discovery document of a channel (DSC-002, DSC-008)."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson

import spec
from gateway.core.errors import ProtocolError, at

SIZE_LIMIT = 256 * 1024
TIMEOUT = aiohttp.ClientTimeout(total=5)
WELL_KNOWN = "/.well-known/vgcp"


async def read_discovery(session: aiohttp.ClientSession, channel_url: str) -> dict[str, Any]:
    """A valid Discovery. Raises ProtocolError `channel_unreachable`, with what is wrong but not what was sent."""
    try:
        async with session.get(channel_url.rstrip("/") + WELL_KNOWN, timeout=TIMEOUT) as answer:
            raw = await whole(answer, SIZE_LIMIT)
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise _unreachable("There is no answer.") from error
    if status != 200:
        raise _unreachable(f"It answers {status}.")
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _unreachable("It answers no JSON.") from error
    faults = spec.validator("Discovery").errors(document)
    if faults:
        raise _unreachable(f"Its document is not valid at {faults[0][0] or 'its root'}.")
    return dict(document)


async def whole(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """The body, in however many pieces it comes. Raises ValueError for more bytes than `most`."""
    found = bytearray()
    async for piece in answer.content.iter_any():
        found += piece
        if len(found) > most:
            raise ValueError("the answer is too long")
    return bytes(found)


def _unreachable(detail: str) -> ProtocolError:
    return ProtocolError("channel_unreachable", detail, at("/channel_url", detail))
