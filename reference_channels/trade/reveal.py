"""The goods, from the gateway to their buyer's eyes. They are kept nowhere here and written to no log
(DLV-012, DLV-013)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from reference_channels.kit import trace
from reference_channels.kit.client import GatewayClient, every
from reference_channels.kit.errors import Problem
from reference_channels.trade import intents
from reference_channels.trade.database import Database
from reference_channels.trade.intents import Intent
from reference_channels.trade.link import Link

# Where the text is, by kind of goods; an unknown kind has none to show here (CNV-002).
TEXT = {"code": "value", "licence": "key", "download": "url", "topup": "receipt", "token": "asset"}


@dataclass(frozen=True, slots=True)
class Shown:
    """One unit as its buyer sees it. The text stays out of every repr.

    `sealed`: the text is a JWE, which only the buyer's browser opens.
    """

    kind: str
    text: str = field(repr=False, default="")
    expires_at: str = ""
    sealed: bool = False
    delivery_id: str = ""

    @property
    def gone(self) -> bool:
        """Whether there is nothing to show (any more)."""
        return not self.text


async def reveal(db: Database, link: Link, intent: Intent) -> list[Shown]:
    """Open everything a fulfilled intent bought, in delivery order. Nothing for any other intent (SEL-008).

    Raises GatewayError when the gateway cannot be asked.
    """
    if intent.state != "fulfilled" or intent.order_id is None:
        return []
    with _on_trace(intent):
        client = await link.client()
        deliveries = await every(partial(client.list_deliveries, intent.order_id))
        shown = [await open_delivery(client, delivery["id"]) for delivery in deliveries]
    await db.run(lambda connection: intents.save(connection, intent, reveal=1))
    return shown


async def open_delivery(client: GatewayClient, delivery_id: str) -> Shown:
    """Open one delivery. Raises GatewayError."""
    key = f"reveal-{secrets.token_hex(16)}"
    try:
        revealed = await client.reveal_delivery(delivery_id, "buyer_request", key)
    except Problem as problem:
        if problem.code != "delivery_voided":
            raise
        return Shown("voided")
    goods = revealed["goods"]
    if "sealed" in goods:
        return Shown(goods["kind"], str(goods["sealed"]["jwe"]), sealed=True, delivery_id=delivery_id)
    content = goods.get(goods["kind"], {})
    return Shown(
        goods["kind"], str(content.get(TEXT.get(goods["kind"], ""), "")), content.get("expires_at", "")
    )


@contextmanager
def _on_trace(intent: Intent) -> Iterator[None]:
    """Calls made inside belong to the purchase's trace (TRC-007)."""
    token = trace.current.set(trace.new_trace(intent.trace_id))
    try:
        yield
    finally:
        trace.current.reset(token)
