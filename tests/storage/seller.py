"""A process that sells codes until it is killed: `python -m tests.storage.seller DATABASE RING CHANNEL OFFER`.

Prints the number of each order once its sale is durable, so that the killer knows what was promised.
"""

from __future__ import annotations

import asyncio
import secrets
import sys

from gateway.core.errors import ProtocolError
from gateway.core.model import Channel, Offer
from tests.storage.test_combiner import order_of
from tests.storage.world import Shop, open_shop

BUYERS = 16


async def sell(shop: Shop, channel: Channel, offer: Offer, numbers: list[int], prefix: str) -> None:
    """One buyer: an order after another, until the stock is out."""
    while True:
        numbers[0] += 1
        name = f"{prefix}-{numbers[0]}"
        operation = order_of(channel, offer, name)
        try:
            order = await shop.store.run(lambda books, run=operation: run(books, shop.store.vault))
        except ProtocolError as refused:
            print(f"refused {refused.code}", flush=True)
            return
        print(f"sold {order.id}", flush=True)


async def main(database_url: str, ring: str, channel_id: str, offer_id: str) -> None:
    """Many buyers at once."""
    async with open_shop(database_url, ring) as shop:
        channel = await shop.store.queries.channel(channel_id)
        offer = await shop.store.queries.offer(channel_id, offer_id)
        assert channel is not None
        assert offer is not None
        print("begins", flush=True)
        numbers = [0]
        prefix = secrets.token_hex(4)
        await asyncio.gather(*(sell(shop, channel, offer, numbers, prefix) for _ in range(BUYERS)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
