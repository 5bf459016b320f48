"""A buyer with a key of her own, at a gateway that seals and at one that does not."""

from __future__ import annotations

from conformance import jwe
from conformance.driver.channel_client import ChannelSession
from conformance.driver.played_gateway import PlayedGateway
from conformance.model import scenario

PLAIN = "plain gateway"


@scenario("sealed_purchase", role="channel", capability="sealed_delivery")
async def sealed_purchase(session: ChannelSession) -> None:
    """One buys for a key, another without."""
    key = jwe.new_key()
    session.transcript.secret(key["d"])
    session.transcript.note("key", key)
    offer = await session.offered()
    await session.buy(offer, "sealed", recipient_key=jwe.public(key))
    await session.buy(offer, "open")


@scenario("plain_gateway", role="channel", phase=5, capability="sealed_delivery")
async def plain_gateway(session: ChannelSession) -> None:
    """The channel is pointed at a gateway that does not declare sealed delivery, and the same buyers come."""
    first, key = session.gateway, jwe.new_key()
    session.transcript.secret(key["d"])
    async with PlayedGateway(session.transcript, first.host, PLAIN, without=("sealed_delivery",)) as plain:
        session.gateway = plain
        try:
            body = {"gateway": plain.connection()}
            await session.must("test_reset", "POST", "/reset", "reset", body=body)
            offer = await session.offered()
            await session.buy(offer, "open")
            await session.buy(offer, "sealed", recipient_key=jwe.public(key))
        finally:
            session.gateway = first
