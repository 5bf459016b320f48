"""What a handler is given: a request that is routed, authorised and valid, and the services it may call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gateway.core.model import Call
from gateway.core.privacy import DataUse
from gateway.http.response import Response
from gateway.http.trace import Exchange

if TYPE_CHECKING:
    from gateway.http.services import Services


@dataclass
class Request:
    """`values` are the path, query and header parameters by name; `body` is the parsed body, `raw` its bytes."""

    services: Services
    operation: str
    exchange: Exchange
    headers: dict[bytes, bytes]
    channel_id: str = ""
    peer: str = ""  # the address that asks, where that is all there is to know it by
    values: dict[str, Any] = field(default_factory=dict)
    raw: bytes = b""
    body: Any = None
    idempotency_key: str | None = None
    extra_headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    @cached_property
    def call(self) -> Call:
        """Who calls, when and in which trace, for the rules."""
        return Call(
            channel_id=self.channel_id,
            now=self.services.clock.now(),
            traceparent=self.exchange.traceparent,
            trace_id=self.exchange.trace_id,
            request_id=self.exchange.request_id,
            idempotency_key=self.idempotency_key,
        )

    @property
    def uses(self) -> DataUse:
        """The decision point for what the channel's own buyers have told it. For more: `privacy.data_use`."""
        return DataUse(self.channel_id, asked=self.exchange.data_uses)


Handler = Callable[[Request], Awaitable[Response]]
