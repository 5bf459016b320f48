"""Who a buyer is at the gateway: her pairwise id, asked for when it is first needed and kept (BUY-001, BUY-002)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from reference_channels.kit.client import GatewayClient
from reference_channels.kit.errors import Problem
from reference_channels.trade import accounts
from reference_channels.trade.placing import refused
from reference_channels.trade.settings import Trade


class NotOfferedError(Exception):
    """The gateway does not declare the capability, so nothing of it is asked there (BUY-002)."""


@dataclass(frozen=True, slots=True)
class Known:
    """A buyer with her `id` at the gateway that `client` asks; `reference` is the one that her orders carry."""

    client: GatewayClient
    reference: str
    id: str


def offered(trade: Trade) -> frozenset[str]:
    """What about buyers the gateway has declared, as far as it was heard of."""
    found = trade.link.declared & {"identity", "passkeys", "consent", "ownership"}
    return found if "identity" in found else frozenset()  # without it there is nobody to ask about


def final(problem: Problem) -> bool:
    """Whether she is told this refusal: it is for good, or for longer than anybody waits for an answer."""
    return refused(problem) or problem.code == "link_limit_reached"


async def known(trade: Trade, reference: str, capability: str = "identity") -> Known:
    """The buyer with this reference. Raises NotOfferedError, and GatewayError when she cannot be resolved."""
    client = await trade.link.client()
    if not (client.offers(capability) and client.offers("identity")):
        raise NotOfferedError(capability)
    kept = await trade.db.run(lambda db: accounts.find(db, reference))
    if kept is None:
        kept = await _resolve(trade, client, reference)
    return Known(client, reference, kept)


async def _resolve(trade: Trade, client: GatewayClient, reference: str) -> str:
    found = str((await client.resolve_buyer(reference, new_key()))["id"])
    await trade.db.run(lambda db: accounts.keep(db, reference, found))
    return found


def new_key() -> str:
    """An idempotency key for what the buyer does now."""
    return secrets.token_urlsafe(24)
