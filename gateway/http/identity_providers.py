"""Issuers of id tokens (OpenID Connect Core 1.0): their keys, fetched and kept for a while, and what a token says."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gateway.core.errors import ProtocolError
from gateway.core.proofs import Claims
from gateway.http.channels import whole
from gateway.http.clients import jwt_part
from gateway.http.jose import client_registry

LIFE, PAUSE = 3600.0, 30.0  # seconds that keys are good for, and between two looks for new ones
SKEW = 30  # seconds that two clocks may differ
MOST_BYTES = 256 * 1024
TIMEOUT = aiohttp.ClientTimeout(total=5)
CONFIGURATION = "/.well-known/openid-configuration"
FAULTS = (JoseError, ValueError, KeyError, IndexError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class Provider:
    """One issuer, and the audience under which the gateway is known there. Without `jwks_uri` its discovery document
    names it (OpenID Connect Discovery 1.0 section 4)."""

    issuer: str
    audience: str
    jwks_uri: str | None = None


@dataclass(slots=True)
class Known:
    """Keys, and when (monotonic) they were fetched; `math.inf` for those of a sandbox's test."""

    keys: KeySet
    at: float


class Providers:
    """Those of the merchant's file, and in a sandbox those of its tests."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        providers: Mapping[str, Provider],
        clock: Callable[[], datetime],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._configured = dict(providers)
        self._trusted = dict(providers)
        self._clock = clock
        self._timer = timer
        self._known: dict[str, Known] = {}
        self._looking = asyncio.Lock()

    def trusts(self, issuer: str) -> bool:
        """See the port."""
        return issuer in self._trusted

    def trust(self, issuer: str, audience: str, jwks: Mapping[str, Any]) -> None:
        """Trust one more, until `forget` (test control). Raises ProtocolError `invalid` for keys that are none."""
        try:
            keys = KeySet.import_key_set(dict(jwks))  # type: ignore[arg-type]
        except FAULTS as error:
            raise ProtocolError("invalid", "The keys cannot be used.") from error
        self._trusted[issuer] = Provider(issuer, audience)
        self._known[issuer] = Known(keys, math.inf)

    def forget(self) -> None:
        """Only those of the file again."""
        self._trusted = dict(self._configured)
        self._known.clear()

    async def verify(self, issuer: str, token: str) -> Claims | None:
        """See the port (OpenID Connect Core section 3.1.3.7)."""
        provider = self._trusted[issuer]
        try:
            claims = await self._decoded(provider, token)
        except FAULTS:
            return None
        return self._read(provider, claims)

    async def _decoded(self, provider: Provider, token: str) -> dict[str, Any]:
        """Its claims, by a key of the issuer's; one that is new there is looked for once."""
        kid = jwt_part(token).get("kid")
        known = await self._keys(provider, LIFE)
        if kid is not None and kid not in {key.kid for key in known.keys}:
            known = await self._keys(provider, PAUSE)
        if kid is None and len(known.keys) != 1:
            raise KeyError("kid")
        key = known if kid is not None else known.keys[0]
        return dict(jwt.decode(token, key, registry=client_registry).claims)

    def _read(self, provider: Provider, claims: Mapping[str, Any]) -> Claims | None:
        now = self._clock().timestamp()
        given = claims.get("aud")
        audiences = given if isinstance(given, list) else [given]
        subject, nonce = claims.get("sub"), claims.get("nonce")
        holds = (
            claims.get("iss") == provider.issuer
            and provider.audience in audiences
            and (len(audiences) == 1 or claims.get("azp") == provider.audience)
            and now - SKEW < _seconds(claims.get("exp"))
            and _seconds(claims.get("iat")) <= now + SKEW
            and _seconds(claims.get("nbf", 0)) <= now + SKEW
            and isinstance(subject, str)
            and 0 < len(subject) <= 255
        )
        return (
            Claims(provider.issuer, str(subject), nonce if isinstance(nonce, str) else None)
            if holds
            else None
        )

    async def _keys(self, provider: Provider, life: float) -> KeySet:
        """The issuer's keys, fetched anew when they are older than `life`. When it cannot be reached, the last ones
        are good. Raises ProtocolError `unavailable` when there are none."""
        async with self._looking:
            known = self._known.get(provider.issuer)
            if known is not None and self._timer() - known.at < life:
                return known.keys
            try:
                keys = KeySet.import_key_set(await self._fetch(provider))  # type: ignore[arg-type]
            except (aiohttp.ClientError, TimeoutError, *FAULTS) as error:
                if known is None:
                    detail = "The keys of the issuer cannot be fetched now."
                    raise ProtocolError("unavailable", detail, retry_after=5) from error
                keys = known.keys
            self._known[provider.issuer] = Known(keys, self._timer())
            return keys

    async def _fetch(self, provider: Provider) -> dict[str, Any]:
        uri = provider.jwks_uri
        if uri is None:
            found = await self._get(provider.issuer.rstrip("/") + CONFIGURATION)
            if found["issuer"] != provider.issuer:
                raise ValueError("the discovery document is another issuer's")
            uri = str(found["jwks_uri"])
        return await self._get(uri)

    async def _get(self, url: str) -> dict[str, Any]:
        async with self._session.get(url, timeout=TIMEOUT, allow_redirects=False) as answer:
            raw = await whole(answer, MOST_BYTES)
            if answer.status != 200:
                raise ValueError(f"HTTP {answer.status}")
        return dict(orjson.loads(raw))


def _seconds(value: Any) -> float:
    """A NumericDate; anything else never holds a comparison."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
