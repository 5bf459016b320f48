"""Access tokens by client credentials (RFC 6749, section 4.4), used again until shortly before they expire
(AUT-015)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from reference_channels.kit.errors import Json

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who the channel is to the gateway. Kept out of every repr, so that it stays out of logs."""

    client_id: str
    client_secret: str = field(repr=False)
    webhook_secret: str = field(default="", repr=False)


class TokenCache:
    """Holds one token. However many requests ask at once, one fetch is made.

    `fetch` answers a TokenResponse document; `clock` gives seconds since 1970.
    """

    def __init__(self, fetch: Callable[[], Awaitable[Json]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token = ""
        self._good_until = 0.0

    async def get(self) -> str:
        """A token that is good for a while. Raises what `fetch` raises."""
        async with self._lock:
            if not self._token or self._clock() >= self._good_until:
                await self._renew()
            return self._token

    async def _renew(self) -> None:
        answer = await self._fetch()
        life = float(answer["expires_in"])
        self._token = str(answer["access_token"])
        # Refreshed before it expires: half a minute, or a quarter of a short life.
        self._good_until = self._clock() + life - min(30.0, life / 4)

    def drop(self, token: str) -> None:
        """Forget this token, because the gateway answered 401 to it. A newer one stays."""
        if token == self._token:
            self._token = ""
