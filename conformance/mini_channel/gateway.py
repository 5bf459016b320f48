"""Calls the gateway: token, trace, one key per intent, trying again (AUT-014, IDM-008, LIM-003, LIM-004, TRC-006)."""

from __future__ import annotations

import asyncio
import base64
import secrets
from dataclasses import dataclass
from typing import Any

import aiohttp

from conformance.mini_channel.faults import Faults

Json = dict[str, Any]
TRIES = 6
FIRST_PAUSE = 0.1  # seconds; doubles


class RefusedError(Exception):
    """The gateway answered with a problem."""

    def __init__(self, status: int, body: Json, retry_after: float | None) -> None:
        super().__init__(body.get("code"))
        self.status, self.code = status, str(body.get("code"))
        self.retryable, self.retry_after = bool(body.get("retryable")), retry_after


class LostError(Exception):
    """No answer: what became of the request is not known."""


def _trace(trace_id: str = "") -> dict[str, str]:
    """A span of the trace, or of a new one."""
    return {"traceparent": f"00-{trace_id or secrets.token_hex(16)}-{secrets.token_hex(8)}-01"}


@dataclass
class Asked:
    """One request to the gateway, the same on every try."""

    operation: str
    method: str
    path: str
    trace_id: str
    body: Json | None = None
    key: str = ""


class Gateway:
    """One gateway, as one client."""

    def __init__(self, http: aiohttp.ClientSession, connection: Json, faults: Faults) -> None:
        self._http, self._connection, self._faults = http, connection, faults
        self.url = connection["url"]
        self.document: Json = {}
        self._token = ""
        self._fetching = asyncio.Lock()

    @property
    def webhook_secret(self) -> str:
        """The secret of Standard Webhooks."""
        return str(self._connection["webhook_secret"])

    async def keys(self) -> list[Json]:
        """The gateway's public keys."""
        await self.discovered()
        found: list[Json] = self.document.get("keys", {}).get("keys", [])
        return found

    async def discovered(self) -> None:
        """Read what the gateway says of itself, once."""
        if not self.document:
            async with self._http.get(f"{self.url}/.well-known/vgcp", headers=_trace()) as answer:
                self.document = await answer.json()

    async def call(self, asked: Asked) -> Json:
        """Send it until it is answered for good. Raises RefusedError or LostError."""
        await self.discovered()
        sent: list[int] = []  # the status of every try so far, 0 without an answer
        while True:
            token = await self._bearer()
            try:
                return await self._send(asked, token)
            except (RefusedError, LostError) as trouble:
                status = trouble.status if isinstance(trouble, RefusedError) else 0
                sent.append(status)
                if not self._again(asked, trouble, sent):
                    raise
                if status == 401 and self._token == token:
                    self._token = ""
                pause = self._pause(len(sent), trouble)
            await asyncio.sleep(pause)

    def _again(self, asked: Asked, trouble: RefusedError | LostError, sent: list[int]) -> bool:
        """Whether the request is to be sent again."""
        most = 40 if self._faults("retries_forever") else TRIES
        if isinstance(trouble, LostError):
            return len(sent) < most and not (
                asked.operation == "create_order" and self._faults("orders_anew")
            )
        if trouble.status == 401:
            limit = {"no_token_refresh": 0, "refreshes_forever": 8}.get(self._faults.name, 1)
            return sent.count(401) <= limit
        if not trouble.retryable:
            return self._faults("stubborn") and asked.operation.endswith("_reservation") and len(sent) == 1
        self._vary(asked)
        return len(sent) < most and not (trouble.status == 503 and self._faults("gives_up_on_503"))

    def _pause(self, tries: int, trouble: RefusedError | LostError) -> float:
        """Seconds to wait after so many tries."""
        if isinstance(trouble, RefusedError) and not trouble.retryable:
            return 0.0
        asked_for = trouble.retry_after or 0.0 if isinstance(trouble, RefusedError) else 0.0
        if self._faults("retries_forever"):
            return max(0.004 * tries, asked_for)
        own: float = FIRST_PAUSE * 2 ** (tries - 1)
        if self._faults("shrinking_pauses"):
            own = (1.4, 1.2, 1.0, 0.05)[min(tries, 4) - 1]
        return own if self._faults("impatient") else max(own, asked_for)

    def _vary(self, asked: Asked) -> None:
        if self._faults("key_per_try") and asked.key:
            asked.key = secrets.token_hex(12)
        if self._faults("changes_retry") and asked.body and "payment" in asked.body:
            asked.body = {
                **asked.body,
                "payment": {**asked.body["payment"], "method": f"card-{secrets.token_hex(2)}"},
            }

    async def _bearer(self) -> str:
        async with self._fetching:
            if not self._token or self._faults("token_per_request"):
                self._token = await self._fetch()
            return self._token

    async def _fetch(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._connection["client_id"],
            "client_secret": self._connection["client_secret"],
        }
        async with self._http.post(
            self.document["endpoints"]["token"], data=form, headers=_trace()
        ) as answer:
            return str((await answer.json())["access_token"])

    async def _send(self, asked: Asked, token: str) -> Json:
        trace_id = secrets.token_hex(16) if self._faults("trace_per_request") else asked.trace_id
        headers = {"Authorization": f"Bearer {token}"}
        if not (self._faults("no_traceparent") and asked.operation == "list_deliveries"):
            headers |= _trace(trace_id)
        if asked.key:
            headers["Idempotency-Key"] = asked.key
        url = self.document["endpoints"]["api"] + asked.path
        try:
            async with self._http.request(asked.method, url, json=asked.body, headers=headers) as answer:
                if answer.content_type == "application/zip":
                    return {"archive": base64.b64encode(await answer.read()).decode()}
                body = await answer.json(content_type=None)
                if answer.status >= 400:
                    wait = answer.headers.get("Retry-After")
                    raise RefusedError(answer.status, body or {}, float(wait) if wait else None)
                return body or {}
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise LostError(asked.operation) from error
