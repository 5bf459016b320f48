"""A buyer with a name, an address and orders that say what she typed: for tests of what is kept of her."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from gateway.core import identity, orders
from gateway.core.lines import LineRequest
from gateway.core.model import Call, Channel, Offer, Order
from gateway.core.model_identity import Account
from gateway.core.orders import CreateOrder
from tests.storage.world import Shop, call_of

EMAIL, PHONE, SUBJECT, TYPED = "mia@shop.example", "+4915112345678", "mia-4711", "Mia Musterfrau"


async def account_of(shop: Shop, channel: Channel, subject: str = SUBJECT) -> Account:
    """A buyer with an address and a number."""
    cmd = identity.ResolveBuyer(subject, EMAIL, PHONE, "de-DE")
    call, vault = call_of(channel.id), shop.store.vault
    return (await shop.store.run(lambda books: identity.resolve_buyer(books, vault, call, cmd))).account


async def bought(
    shop: Shop, channel: Channel, offer: Offer, reference: str, subject: str = SUBJECT, days_ago: int = 0
) -> Order:
    """A fulfilled order of hers."""
    line = LineRequest.from_wire(
        {
            "offer_id": offer.id,
            "quantity": 1,
            "unit_price": {"amount": offer.price_amount, "currency": offer.currency},
            "buyer_input": {"name": TYPED},
        }
    )
    cmd = CreateOrder(reference, {"reference": subject, "region": "DE"}, (line,), {"status": "collected"})
    call, vault = ago(channel, days_ago), shop.store.vault
    return await shop.store.run(lambda books: orders.create_order(books, vault, call, cmd))


def ago(channel: Channel, days: int) -> Call:
    """A request of the channel's so many days ago."""
    call = call_of(channel.id)
    return replace(call, now=call.now - timedelta(days=days))


async def asking(shop: Shop) -> Offer:
    """An offer that asks for a name and has a limit."""
    return await shop.offer(
        codes=["A", "B", "C"],
        buyer_input={"type": "object", "properties": {"name": {"type": "string"}}},
        restrictions={"purchase_limit": {"quantity": 2}},
    )
