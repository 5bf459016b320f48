"""The `Queries` port: what GET operations read. A channel finds its own, and what everybody sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, bindparam, or_, select, text

from gateway.core.model import Channel, Delivery, Event, Offer, Order, Reservation, Row, SigningKey, Stock
from gateway.core.model_allotments import Allotment
from gateway.storage.consent import ConsentQueries
from gateway.storage.engine.base import Engine
from gateway.storage.identity import IdentityQueries
from gateway.storage.joining import JoinedReads
from gateway.storage.tables import (
    allotments,
    channels,
    deliveries,
    events,
    offers,
    orders,
    reservations,
    signing_keys,
    stocks,
)

R = TypeVar("R", bound=Row)
CHANNEL: Any = bindparam("channel_id")
ID: Any = bindparam("id")
REFERENCE: Any = bindparam("reference")
AFTER: Any = bindparam("after")
BEFORE: Any = bindparam("before")
LIMIT: Any = bindparam("limit")

_SEEN: ColumnElement[bool] = or_(offers.c.channel_id.is_(None), offers.c.channel_id == CHANNEL)
OFFERS_AFTER = select(offers).where(offers.c.position > AFTER, _SEEN).order_by(offers.c.position).limit(LIMIT)
EVENTS_AFTER = (
    select(events)
    .where(events.c.channel_id == CHANNEL, events.c.position > AFTER)
    .order_by(events.c.position)
    .limit(LIMIT)
)
ORDER = select(orders).where(orders.c.id == ID, orders.c.channel_id == CHANNEL)
HOLD = select(reservations).where(
    reservations.c.id == ID, reservations.c.channel_id == CHANNEL, ~reservations.c.internal
)
DELIVERIES = (
    select(deliveries)
    .where(deliveries.c.order_id == bindparam("order_id"), deliveries.c.channel_id == CHANNEL)
    .where(deliveries.c.id > AFTER)
    .order_by(deliveries.c.id)
    .limit(LIMIT)
)
CHANNEL_BY_ID = select(channels).where(channels.c.id == ID)
CHANNELS = select(channels).order_by(channels.c.id)
STOCK_OF_OFFER = select(stocks).join(offers, offers.c.stock_id == stocks.c.id).where(offers.c.id == ID)
SIGNING_KEYS = select(signing_keys).order_by(signing_keys.c.created_at, signing_keys.c.id)
OFFERS = select(offers).order_by(offers.c.id)
STOCKS = select(stocks).order_by(stocks.c.id)

# Sorts after every id, in whatever order a database has for letters.
LAST = "zzzzzzzz"


def _newest(query: Select[Any], table: Any) -> tuple[Select[Any], Select[Any]]:
    """Pages of a channel's rows, newest first: all, and those with one reference."""
    page = (
        query.where(table.c.channel_id == CHANNEL, table.c.id < BEFORE)
        .order_by(table.c.id.desc())
        .limit(LIMIT)
    )
    return page, page.where(table.c.reference == REFERENCE)


NEWEST_ORDERS = select(orders).order_by(orders.c.id.desc()).limit(LIMIT)
DISPUTED_ORDERS = select(orders).where(orders.c.status == "disputed").order_by(orders.c.id)
ORDERS, ORDERS_NAMED = _newest(select(orders), orders)
LEASE = select(allotments).where(allotments.c.id == ID, allotments.c.channel_id == CHANNEL)
LEASES, LEASES_NAMED = _newest(select(allotments), allotments)
# written out, so that SQLite takes the partial index
OPEN_LEASES = select(allotments).where(text("status <> 'ended'")).order_by(allotments.c.id)
HOLDS, HOLDS_NAMED = _newest(select(reservations).where(~reservations.c.internal), reservations)


class DatabaseQueries(IdentityQueries, ConsentQueries):
    """Reads of committed rows, outside of flights."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._offers = JoinedReads(engine, Offer)

    async def offer(self, channel_id: str, offer_id: str) -> Offer | None:
        """An offer that the channel sees."""
        offer = await self._offers.get(offer_id)
        return offer if offer is not None and offer.channel_id in (None, channel_id) else None

    async def offers_after(self, channel_id: str, position: int, limit: int) -> Sequence[Offer]:
        """The offer feed as the channel sees it, tombstones included."""
        return await self._all(Offer, OFFERS_AFTER, channel_id=channel_id, after=position, limit=limit)

    async def order(self, channel_id: str, order_id: str) -> Order | None:
        """The channel's order."""
        return await self._one(Order, ORDER, channel_id=channel_id, id=order_id)

    async def orders(
        self, channel_id: str, reference: str | None, before: str | None, limit: int
    ) -> Sequence[Order]:
        """The channel's orders, newest id first, ids below `before`; with `reference`, those it named so."""
        query = ORDERS if reference is None else ORDERS_NAMED
        return await self._all(
            Order, query, channel_id=channel_id, reference=reference, before=before or LAST, limit=limit
        )

    async def reservation(self, channel_id: str, reservation_id: str) -> Reservation | None:
        """A hold that the channel made; never an order's internal one."""
        return await self._one(Reservation, HOLD, channel_id=channel_id, id=reservation_id)

    async def reservations(
        self, channel_id: str, reference: str | None, before: str | None, limit: int
    ) -> Sequence[Reservation]:
        """Holds that the channel made, newest id first, ids below `before`."""
        query = HOLDS if reference is None else HOLDS_NAMED
        return await self._all(
            Reservation, query, channel_id=channel_id, reference=reference, before=before or LAST, limit=limit
        )

    async def allotment(self, channel_id: str, allotment_id: str) -> Allotment | None:
        """The channel's lease."""
        return await self._one(Allotment, LEASE, channel_id=channel_id, id=allotment_id)

    async def allotments(
        self, channel_id: str, reference: str | None, before: str | None, limit: int
    ) -> Sequence[Allotment]:
        """The channel's leases, newest id first, ids below `before`."""
        query = LEASES if reference is None else LEASES_NAMED
        return await self._all(
            Allotment, query, channel_id=channel_id, reference=reference, before=before or LAST, limit=limit
        )

    async def open_allotments(self) -> Sequence[Allotment]:
        """Leases of all channels of which something remains, oldest first (the merchant's)."""
        return await self._all(Allotment, OPEN_LEASES)

    async def deliveries(
        self, channel_id: str, order_id: str, after: str | None, limit: int
    ) -> Sequence[Delivery]:
        """The deliveries of the channel's order in id order, ids above `after`."""
        return await self._all(
            Delivery, DELIVERIES, channel_id=channel_id, order_id=order_id, after=after or "", limit=limit
        )

    async def events_after(self, channel_id: str, position: int, limit: int) -> Sequence[Event]:
        """The channel's numbered events in order."""
        return await self._all(Event, EVENTS_AFTER, channel_id=channel_id, after=position, limit=limit)

    async def channel(self, client_id: str) -> Channel | None:
        """A registered channel, whoever asks."""
        return await self._one(Channel, CHANNEL_BY_ID, id=client_id)

    async def channels(self) -> Sequence[Channel]:
        """All registered channels, in id order (the merchant's)."""
        return await self._all(Channel, CHANNELS)

    async def stock_of_offer(self, offer_id: str) -> Stock | None:
        """The stock behind an offer, whichever channel sees it."""
        return await self._one(Stock, STOCK_OF_OFFER, id=offer_id)

    async def offers(self) -> Sequence[Offer]:
        """All offers, deleted ones too, in id order (the merchant's)."""
        return await self._all(Offer, OFFERS)

    async def stocks(self) -> Sequence[Stock]:
        """All stocks, in id order (the merchant's)."""
        return await self._all(Stock, STOCKS)

    async def newest_orders(self, limit: int) -> Sequence[Order]:
        """Orders of all channels, newest id first (the merchant's)."""
        return await self._all(Order, NEWEST_ORDERS, limit=limit)

    async def disputed_orders(self) -> Sequence[Order]:
        """Orders of all channels that wait for the merchant's decision, oldest first."""
        return await self._all(Order, DISPUTED_ORDERS)

    async def signing_keys(self) -> Sequence[SigningKey]:
        """All of the gateway's keys, oldest first."""
        return await self._all(SigningKey, SIGNING_KEYS)

    async def _all(self, kind: type[R], query: Select[Any], **parameters: Any) -> list[R]:
        return await self._engine.rows(kind, query, parameters)

    async def _one(self, kind: type[R], query: Select[Any], **parameters: Any) -> R | None:
        rows: list[R] = await self._engine.rows(kind, query, parameters)
        return rows[0] if rows else None
