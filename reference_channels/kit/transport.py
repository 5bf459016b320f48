"""One call to a gateway over aiohttp: token, trace, problem documents, and trying again."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import aiohttp

from reference_channels.kit import trace
from reference_channels.kit.errors import Json, NoAnswer, Problem, seconds
from reference_channels.kit.retry import Policy, insist
from reference_channels.kit.tokens import Clock, Credentials, TokenCache


async def exchange(
    http: aiohttp.ClientSession, method: str, url: str, *, patience: float, **options: Any
) -> Json:
    """Send one request and answer its JSON object ({} when it has no body).

    `options` are aiohttp's (json, data, params, headers). Redirects are not followed: a token would travel
    along. Raises Problem for an error answer, NoAnswer when there is none or it is not what was promised.
    """
    headers = {"traceparent": (trace.current.get() or trace.new_trace()).child().traceparent}
    headers |= options.pop("headers", {})
    limit = aiohttp.ClientTimeout(total=patience)
    try:
        async with http.request(
            method, url, headers=headers, timeout=limit, allow_redirects=False, **options
        ) as answer:
            return await _read(answer)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise NoAnswer(f"{method} {type(error).__name__}") from error


async def _read(answer: aiohttp.ClientResponse) -> Json:
    """The body of a good answer; Problem for any other."""
    if answer.status == 204:
        return {}
    try:
        body = await answer.json(content_type=None)
    except ValueError as error:
        body = None
        if answer.status < 300:
            raise NoAnswer("the answer is not JSON") from error
    if answer.status >= 300:
        wait = seconds(answer.headers.get("Retry-After"), time.time())
        raise Problem(answer.status, body if isinstance(body, dict) else {}, wait)
    if not isinstance(body, dict):
        raise NoAnswer("the answer is not a JSON object")
    return body


class Transport:
    """Calls one gateway as one client. `api` and `token_url` come from the gateway's discovery document."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        api: str,
        token_url: str,
        credentials: Credentials,
        clock: Clock = time.time,
        policy: Policy | None = None,
    ) -> None:
        self._http = http
        self._api = api.rstrip("/")
        self._token_url = token_url
        self._credentials = credentials
        self._policy = policy or Policy()
        self._tokens = TokenCache(self._fetch_token, clock)

    async def _fetch_token(self) -> Json:
        """A token for all that the client may do: what the gateway grants to who names no scope."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret,
        }
        return await exchange(self._http, "POST", self._token_url, data=form, patience=self._policy.timeout)

    async def call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str | int | None] | None = None,
        key: str | None = None,
    ) -> Json:
        """Make one call, insisting by the policy; `key` is its idempotency key, the same on every try
        (IDM-008).

        Raises Problem when the gateway refused, NoAnswer when it is not known what became of it.
        """
        options: dict[str, Any] = {"params": {k: v for k, v in (query or {}).items() if v is not None}}
        if body is not None:
            options["json"] = body
        headers = {"Idempotency-Key": key} if key else {}
        return await insist(
            lambda: self._authorized(method, self._api + path, headers, options), self._policy, operation
        )

    async def _authorized(
        self, method: str, url: str, headers: Mapping[str, str], options: Mapping[str, Any]
    ) -> Json:
        """Send with a token; on 401 once more with a new one (AUT-014)."""
        token = await self._tokens.get()
        try:
            return await self._send(token, method, url, headers, options)
        except Problem as problem:
            if problem.status != 401:
                raise
            self._tokens.drop(token)
        return await self._send(await self._tokens.get(), method, url, headers, options)

    async def _send(
        self, token: str, method: str, url: str, headers: Mapping[str, str], options: Mapping[str, Any]
    ) -> Json:
        signed = {**headers, "Authorization": f"Bearer {token}"}
        return await exchange(
            self._http, method, url, headers=signed, patience=self._policy.timeout, **options
        )

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, *, query: Mapping[str, str | None] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One call whose answer is read as it comes, by one try. Raises what `call` does."""
        headers = {"Authorization": f"Bearer {await self._tokens.get()}"}
        headers["traceparent"] = (trace.current.get() or trace.new_trace()).child().traceparent
        params = {k: v for k, v in (query or {}).items() if v is not None}
        limit = aiohttp.ClientTimeout(sock_connect=self._policy.timeout, sock_read=self._policy.timeout)
        try:
            async with self._http.request(
                method, self._api + path, headers=headers, params=params, timeout=limit, allow_redirects=False
            ) as answer:
                if answer.status != 200:
                    await _read(answer)
                    raise NoAnswer("the answer is not what was asked for")
                yield answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NoAnswer(f"{method} {type(error).__name__}") from error


class Calls:
    """What the methods of a client are made over; see client.py."""

    def __init__(self, transport: Transport) -> None:
        self._call, self._stream = transport.call, transport.stream


def part(value: str) -> str:
    """An opaque id as one segment of a path."""
    return quote(value, safe="")
