"""The suite's own HTTP client, for both roles: sends exactly what it is told and records the exchange."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from conformance.timing import ANSWER
from conformance.transcript import Exchange, Message, Transcript

LARGE = 1 << 19  # bytes; from here on a body is streamed, so that it does not hold up other scenarios
# Seconds that an idle connection is kept. Servers close them after 2 to 5, and a request just then gets no answer.
IDLE = 1.0


def connections() -> aiohttp.ClientSession:
    """Connections of the suite to what it certifies; no cookies."""
    connector = aiohttp.TCPConnector(limit=200, keepalive_timeout=IDLE)
    return aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), connector=connector)


class Client:
    """Sends a request as told; never follows a redirect, tries again, or raises for a status."""

    def __init__(self, transcript: Transcript, http: aiohttp.ClientSession) -> None:
        self.transcript = transcript
        self.http = http

    async def call(
        self,
        operation: str,
        method: str,
        url: str,
        *,
        label: str = "",
        flaw: str = "",
        body: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        patience: float = ANSWER,
    ) -> Exchange:
        """Send `body` as JSON (or `data` as it is) and record it; `patience` in seconds."""
        sent = dict(headers or {})
        if body is not None:
            data = json.dumps(body, ensure_ascii=False).encode()
            sent.setdefault("Content-Type", "application/json")
        number, started = self.transcript.number(), self.transcript.now()
        target = URL(url).update_query(params) if params else URL(url, encoded=True)
        response, error = None, ""
        try:
            response = await self._send(method, target, data, sent, patience)
        except (aiohttp.ClientError, TimeoutError, OSError) as trouble:
            error = f"{type(trouble).__name__}: {trouble}"
        request = Message(tuple(sent.items()), data or b"", method=method, url=str(target))
        scene, ended = self.transcript.scenario, self.transcript.now()
        return self.transcript.record(
            Exchange(number, scene, label, "sent", operation, request, response, started, ended, error, flaw)
        )

    async def _send(
        self, method: str, url: Any, data: bytes | None, headers: dict[str, str], patience: float
    ) -> Message:
        limit = aiohttp.ClientTimeout(total=patience)
        skip = () if "Content-Type" in headers else ("Content-Type",)
        async with self.http.request(
            method,
            url,
            data=io.BytesIO(data) if data and len(data) > LARGE else data,
            headers=headers,
            allow_redirects=False,
            timeout=limit,
            skip_auto_headers=skip,
        ) as answer:
            content = await answer.read()
            return Message(tuple(answer.headers.items()), content, status=answer.status)
