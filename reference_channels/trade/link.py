"""The channel's line to its one gateway: who it is there, what the gateway declares, which keys sign."""

from __future__ import annotations

import time
from dataclasses import dataclass

import aiohttp

from reference_channels.kit.client import GatewayClient, discover
from reference_channels.kit.errors import GatewayError, Json, NoAnswer
from reference_channels.kit.retry import Policy
from reference_channels.kit.tokens import Clock, Credentials

REFRESH = 3600.0


@dataclass(frozen=True, slots=True)
class Connection:
    """Where and as whom to trade. `url` is the origin that serves /.well-known/vgcp."""

    url: str
    credentials: Credentials

    @property
    def name(self) -> str:
        """What tells one trade from another: cursors and revisions are good for this name only."""
        return f"{self.credentials.client_id} at {self.url}"


class Link:
    """Discovers the gateway when it is first needed, so that the channel can start before it."""

    def __init__(self, http: aiohttp.ClientSession, clock: Clock, policy: Policy) -> None:
        self._http = http
        self._clock = clock
        self._policy = policy
        self._client: GatewayClient | None = None
        self._read_at = 0.0
        self.connection: Connection | None = None
        self.declared: frozenset[str] = frozenset()  # the capabilities that the gateway last declared

    def connect(self, connection: Connection | None) -> None:
        """Trade there from now on, and nowhere else (TST-009)."""
        self.connection = connection
        self.declared = frozenset()
        self._client = None

    async def client(self) -> GatewayClient:
        """The client of the gateway. Raises GatewayError when there is none or it cannot be reached."""
        if self._client is None or time.monotonic() - self._read_at > REFRESH:
            self._client = await self._discover()
        return self._client

    async def _discover(self) -> GatewayClient:
        connection = self.connection
        if connection is None:
            raise NoAnswer("the channel is not connected to a gateway")
        document = await discover(self._http, connection.url, self._policy)
        if self.connection is not connection:
            raise NoAnswer("the channel was connected elsewhere meanwhile")
        self._read_at = time.monotonic()
        self.declared = frozenset(str(one.get("name")) for one in document.get("capabilities", []))
        return GatewayClient(self._http, document, connection.credentials, self._clock, self._policy)

    async def seals(self) -> bool:
        """Whether the gateway declares sealed delivery (DLV-034). False when it cannot be reached."""
        try:
            declared = (await self.client()).discovery.get("capabilities", [])
        except GatewayError:
            return False
        return "sealed_delivery" in [one.get("name") for one in declared]

    async def keys(self, wanted: set[str]) -> list[Json]:
        """The gateway's public keys; read anew, at most once a second, when a wanted key id is not among
        them."""
        client = await self.client()
        known = _keys(client)
        if wanted <= {str(key.get("kid")) for key in known} or time.monotonic() - self._read_at < 1:
            return known
        self._client = None
        return _keys(await self.client())


def _keys(client: GatewayClient) -> list[Json]:
    found: list[Json] = client.discovery.get("keys", {}).get("keys", [])
    return found
