"""All that handlers may use, handed in by the wiring (gateway/main.py)."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from gateway.core.model import Channel
from gateway.core.model_consent import Erasure
from gateway.core.ports import Books, OwnershipLog, OwnershipReads, Queries, Vault
from gateway.core.proofs import IdentityProviders
from gateway.http.clients import ClientAuthentication
from gateway.http.keys import KeyRing
from gateway.http.limits import Faults, RateLimiter
from gateway.http.tokens import Tokens
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.http.status_lists import StatusTokens

T = TypeVar("T")


class Clock:
    """UTC, which a sandbox can advance."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The gateway's time."""
        return datetime.now(UTC) + self._ahead

    def advance(self, seconds: int) -> datetime:
        """Move on by so many seconds; the new time. What falls due is the sweeper's work (TST-007)."""
        self._ahead += timedelta(seconds=seconds)
        return self.now()

    def reset(self) -> None:
        """Back to the real time."""
        self._ahead = timedelta()


class Writer(Protocol):
    """Runs a rule in a transaction and answers when it is durable (the combiner)."""

    async def run(self, operation: Callable[[Books], T]) -> T: ...


class Sandbox(Protocol):
    """What test control needs beyond rules and reads."""

    async def reset(self) -> None:
        """Forget all trade, and be at the real time again."""

    async def settle(self) -> None:
        """Do all that is due now: expiries, and the events about them."""

    async def read_discovery(self, channel_url: str) -> dict[str, Any]:
        """A channel's discovery document. Raises ProtocolError `channel_unreachable`."""


class Erasing(Protocol):
    """What is asked before a buyer is forgotten."""

    async def under_way(self, channel_id: str, subject: str) -> int:
        """How many of her orders are not settled."""

    async def held(self, channel_id: str, subject: str) -> Sequence[str]:
        """Ids of her active holds."""

    async def last(self, channel_id: str, account_id: str) -> Erasure | None:
        """The newest erasure of this account."""


class Eraser(Protocol):
    """Does what an erasure has still to do."""

    async def finish(self, erasure: Erasure, now: datetime) -> None: ...


class Providers(IdentityProviders, Protocol):
    """Issuers of id tokens, as test control needs them too."""

    def trust(self, issuer: str, audience: str, jwks: Mapping[str, Any]) -> None:
        """Trust one more, until `forget`. Raises ProtocolError `invalid`."""

    def forget(self) -> None:
        """Only those of the file again."""


class ClientDirectory:
    """Registered channels, read again after `life` seconds, so that who is shut out is out soon everywhere."""

    def __init__(self, find: Callable[[str], Awaitable[Channel | None]], life: float = 5.0) -> None:
        self._find = find
        self._life = life
        self._known: dict[str, tuple[float, Channel]] = {}

    async def find(self, client_id: str) -> Channel | None:
        """The channel, or None."""
        now = time.monotonic()
        entry = self._known.get(client_id)
        if entry is not None and entry[0] > now:
            return entry[1]
        channel = await self._find(client_id)
        if channel is None:
            self._known.pop(client_id, None)
        else:
            self._known[client_id] = (now + self._life, channel)
        return channel

    def forget(self) -> None:
        """Read everything anew."""
        self._known.clear()


@dataclass
class Services:
    """Explicit dependencies of the HTTP layer. `sandbox` is None outside of one."""

    settings: Settings
    clock: Clock
    writer: Writer
    queries: Queries
    ownership_log: OwnershipLog
    ownership: OwnershipReads
    vault: Vault
    keys: KeyRing
    tokens: Tokens
    clients: ClientDirectory
    authentication: ClientAuthentication
    limiter: RateLimiter
    faults: Faults
    sandbox: Sandbox | None
    public_url: str
    status_tokens: StatusTokens
    providers: Providers
    erasing: Erasing
    eraser: Eraser
