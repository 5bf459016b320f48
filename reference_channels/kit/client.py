"""A client of a VGCP gateway: one method per operation, named as in spec/openapi/gateway.yaml."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import aiohttp

from reference_channels.kit.consent import ConsentCalls
from reference_channels.kit.errors import Json, NoAnswer
from reference_channels.kit.identity import IdentityCalls
from reference_channels.kit.ownership import OwnershipCalls
from reference_channels.kit.retry import Policy, insist
from reference_channels.kit.tokens import Clock, Credentials
from reference_channels.kit.transport import Transport, exchange, part

PAGE = 500


async def discover(http: aiohttp.ClientSession, url: str, policy: Policy | None = None) -> Json:
    """Read a gateway's discovery document from its origin (DSC-001).

    Raises NoAnswer when what is there is no VGCP 1.x gateway, or nothing is.
    """
    rules = policy or Policy()
    address = url.rstrip("/") + "/.well-known/vgcp"
    document = await insist(
        lambda: exchange(http, "GET", address, patience=rules.timeout), rules, "get_discovery"
    )
    if document.get("protocol") != "vgcp" or document.get("role") != "gateway":
        raise NoAnswer("there is no VGCP gateway")
    if not any(str(version).startswith("1.") for version in document.get("versions", [])):
        raise NoAnswer("the gateway does not speak VGCP 1")
    return document


class GatewayClient(IdentityCalls, ConsentCalls, OwnershipCalls):
    """What a channel asks of its gateway.

    Every method answers the document of the specification as a dict, and raises Problem (refused: nothing
    was done) or NoAnswer (not known). `key` is an idempotency key: store it before the call, give the same
    one on every retry.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        discovery: Json,
        credentials: Credentials,
        clock: Clock = time.time,
        policy: Policy | None = None,
    ) -> None:
        endpoints = discovery["endpoints"]
        token_url = endpoints.get("token") or endpoints["api"].rstrip("/") + "/oauth/token"
        self.discovery = discovery
        super().__init__(Transport(http, endpoints["api"], token_url, credentials, clock, policy))

    def offers(self, capability: str) -> bool:
        """Whether the gateway declares a capability; what it does not declare is not relied on (DSC-011)."""
        return any(each.get("name") == capability for each in self.discovery.get("capabilities", []))

    async def list_offers(self, cursor: str | None = None, limit: int = PAGE) -> Json:
        """A page of the offer feed (OfferPage) after the cursor, or from the beginning."""
        return await self._call("list_offers", "GET", "/offers", query={"cursor": cursor, "limit": limit})

    async def get_offer(self, offer_id: str) -> Json:
        """One offer (Offer)."""
        return await self._call("get_offer", "GET", f"/offers/{part(offer_id)}")

    async def create_reservation(self, request: Json, key: str) -> Json:
        """Hold stock: ReservationRequest to Reservation."""
        return await self._call("create_reservation", "POST", "/reservations", body=request, key=key)

    async def list_reservations(self, reference: str) -> Json:
        """The hold with the channel's own reference (ReservationPage of one or none)."""
        return await self._call("list_reservations", "GET", "/reservations", query={"reference": reference})

    async def extend_reservation(self, reservation_id: str, ttl_seconds: int, key: str) -> Json:
        """Keep a hold for `ttl_seconds` from now (Reservation)."""
        path = f"/reservations/{part(reservation_id)}/extend"
        return await self._call(
            "extend_reservation", "POST", path, body={"ttl_seconds": ttl_seconds}, key=key
        )

    async def release_reservation(self, reservation_id: str) -> Json:
        """Give a hold back; harmless when it is not active any more (Reservation)."""
        return await self._call("release_reservation", "DELETE", f"/reservations/{part(reservation_id)}")

    async def create_order(self, request: Json, key: str) -> Json:
        """Order: OrderRequest to Order."""
        return await self._call("create_order", "POST", "/orders", body=request, key=key)

    async def list_orders(self, reference: str) -> Json:
        """The order with the channel's own reference (OrderPage of one or none)."""
        return await self._call("list_orders", "GET", "/orders", query={"reference": reference})

    async def get_order(self, order_id: str) -> Json:
        """One order (Order)."""
        return await self._call("get_order", "GET", f"/orders/{part(order_id)}")

    async def list_deliveries(self, order_id: str, cursor: str | None = None) -> Json:
        """What there is to hand over for an order (DeliveryPage); never the goods."""
        path = f"/orders/{part(order_id)}/deliveries"
        return await self._call("list_deliveries", "GET", path, query={"cursor": cursor, "limit": PAGE})

    async def reveal_delivery(self, delivery_id: str, reason: str, key: str) -> Json:
        """Open the goods (RevealedDelivery). Show them to their buyer; store and log them nowhere
        (DLV-013)."""
        path = f"/deliveries/{part(delivery_id)}/reveal"
        return await self._call("reveal_delivery", "POST", path, body={"reason": reason}, key=key)

    async def list_events(self, cursor: str | None = None, limit: int = PAGE) -> Json:
        """A page of the event feed (EventPage) after the cursor, or from the beginning."""
        return await self._call("list_events", "GET", "/events", query={"cursor": cursor, "limit": limit})


async def every(pages: Callable[[str | None], Awaitable[Json]]) -> list[Json]:
    """All items of a paged list; `pages` takes a cursor (None first) and answers a page."""
    items: list[Json] = []
    cursor: str | None = None
    while True:
        page = await pages(cursor)
        items += page["items"]
        following = page.get("next_cursor")
        if not page.get("has_more") or not following or following == cursor:
            return items
        cursor = following
