"""Reads what strangers answer, all of it and no more than is reckoned with."""

from __future__ import annotations

import aiohttp


async def whole(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """The body, in however many pieces it comes. Raises ValueError for more bytes than `most`."""
    found = bytearray()
    async for piece in answer.content.iter_any():
        found += piece
        if len(found) > most:
            raise ValueError(f"the answer is longer than {most} bytes")
    return bytes(found)
