"""One request, after it has been read: who asks, for what, in which trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.mini_gateway.world import Client, Json


@dataclass
class Call:
    """`parts` are path parameters; `client` is None where the route needs no token."""

    operation: str
    parts: Mapping[str, str]
    query: Mapping[str, str]
    body: Json
    trace_id: str
    client: Client | None = None
    form: Mapping[str, str] = field(default_factory=dict)
    authorization: str = ""
    seen: dict[str, int] = field(
        default_factory=dict
    )  # stock as it was read too early, when this gateway oversells

    @property
    def owner(self) -> Client:
        """The client that asks."""
        if self.client is None:
            raise AssertionError(f"{self.operation} has no client")
        return self.client
