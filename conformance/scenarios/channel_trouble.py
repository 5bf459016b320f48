"""A gateway that is busy, forgets tokens, loses answers and refuses; each story on an offer of its own."""

from __future__ import annotations

import asyncio

from conformance.driver.channel_client import HOLDING, ChannelSession
from conformance.driver.heartbeat import heartbeat
from conformance.model import scenario
from conformance.timing import AFTERWARDS


@scenario("busy_order", role="channel")
async def busy_order(session: ChannelSession) -> None:
    """The order is answered by 503 once, with a Retry-After of a second."""
    offer = await session.offered()
    session.fault("create_order", offer, code="unavailable", retry_after=1)
    await session.buy(offer, "bought")
    await session.stock(offer, "stock")


@scenario("limited_order", role="channel")
async def limited_order(session: ChannelSession) -> None:
    """The order is answered by 429 once, with a Retry-After of two seconds."""
    offer = await session.offered()
    session.fault("create_order", offer, code="rate_limited", retry_after=2)
    await session.buy(offer, "bought")


@scenario("busy_hold", role="channel")
async def busy_hold(session: ChannelSession) -> None:
    """The hold (or the pending order) is answered by 503 four times, and the pauses are left to the channel."""
    offer = await session.offered()
    session.fault(HOLDING, offer, count=4, code="unavailable", retry_after=0)
    async with heartbeat(session.transcript):
        await session.buy(offer, "bought")


@scenario("busy_for_good", role="channel")
async def busy_for_good(session: ChannelSession) -> None:
    """The hold is answered by 503 whenever it is asked for."""
    offer = await session.offered()
    session.fault(HOLDING, offer, count=10_000, code="unavailable", retry_after=0)
    await session.press(offer, "pressed")


@scenario("expired_token", role="channel")
async def expired_token(session: ChannelSession) -> None:
    """The order is answered by 401 once, as if the access token had expired."""
    offer = await session.offered()
    session.fault("create_order", offer, code="unauthenticated")
    await session.buy(offer, "bought")


@scenario("refused_tokens", role="channel")
async def refused_tokens(session: ChannelSession) -> None:
    """The hold is answered by 401 whatever token comes."""
    offer = await session.offered()
    session.fault(HOLDING, offer, count=10_000, code="unauthenticated")
    await session.press(offer, "pressed")


@scenario("lost_answer", role="channel")
async def lost_answer(session: ChannelSession) -> None:
    """The gateway takes the order, and the connection breaks before it answers."""
    offer = await session.offered()
    session.fault("create_order", offer, drop=True)
    await session.buy(offer, "bought")
    await session.stock(offer, "stock")


@scenario("refused_order", role="channel")
async def refused_order(session: ChannelSession) -> None:
    """The order is refused for good, after the hold was given."""
    offer = await session.offered()
    session.fault("create_order", offer, count=10_000, code="offer_withdrawn")
    await session.buy(offer, "bought")
    await asyncio.sleep(AFTERWARDS)
