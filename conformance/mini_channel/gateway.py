"""Calls the gateway: token, trace, one key per intent, trying again (AUT-014, IDM-008, LIM-003, LIM-004, TRC-006)."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import Any

import aiohttp

from conformance.mini_channel.faults import Faults

Json = dict[str, Any]
TRIES = 6
FIRST_PAUSE = 0.05  # seconds; doubles


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
        await self._discover()
        found: list[Json] = self.document.get("keys", {}).get("keys", [])
        return found

    async def _discover(self) -> None:
        if not self.document:
            async with self._http.get(f"{self.url}/.well-known/vgcp", headers=_trace()) as answer:
                self.document = await answer.json()

    async def call(self, asked: Asked) -> Json:
        """Send it until it is answered for good. Raises RefusedError or LostError."""
        await self._discover()
        refreshed = stubborn = False
        tries = 10_000 if self._faults("retries_forever") else TRIES
        for attempt in range(tries):
            token = await self._bearer()
            try:
                return await self._send(asked, token)
            except RefusedError as refusal:
                if refusal.status == 401 and not refreshed and not self._faults("no_token_refresh"):
                    refreshed = True
                    self._token = "" if self._token == token else self._token
                    continue
                if (
                    self._faults("stubborn")
                    and refusal.status != 401
                    and not refusal.retryable
                    and not stubborn
                ):
                    stubborn = True
                    continue
                if not self._again(refusal) or attempt + 1 == tries:
                    raise
                await asyncio.sleep(self._pause(attempt, refusal.retry_after))
                self._vary(asked)
            except LostError:
                if attempt + 1 == tries or (
                    asked.operation == "create_order" and self._faults("orders_anew")
                ):
                    raise
                await asyncio.sleep(self._pause(attempt, None))
        raise LostError(asked.operation)

    def _again(self, refusal: RefusedError) -> bool:
        if refusal.status == 503 and self._faults("gives_up_on_503"):
            return False
        return refusal.retryable and refusal.status in (409, 429, 500, 503)

    def _pause(self, attempt: int, asked_for: float | None) -> float:
        own = FIRST_PAUSE if self._faults("constant_pauses") else FIRST_PAUSE * 2 ** min(attempt, 6)
        if self._faults("retries_forever"):
            own = 0.01 * (attempt + 1)
        return own if self._faults("impatient") else max(own, asked_for or 0.0)

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
        async with self._http.post(self.document["endpoints"]["token"], data=form, headers=_trace()) as answer:
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
                body = await answer.json(content_type=None)
                if answer.status >= 400:
                    wait = answer.headers.get("Retry-After")
                    raise RefusedError(answer.status, body or {}, float(wait) if wait else None)
                return body or {}
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise LostError(asked.operation) from error
