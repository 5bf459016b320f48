"""Values to wire objects, as spec/schemas says: a member that there is nothing for is left out (CNV-007)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import datetime
from functools import lru_cache

from gateway.core.model import Channel, Delivery, Event, Json, Offer, Order, Reservation, Revealed, Stock
from gateway.core.model_allotments import Allotment
from gateway.core.privacy import DataUse


@lru_cache(256)  # one operation writes its time into most of what it makes
def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC, ending in Z, with microseconds (CNV-004)."""
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def base64url(raw: bytes) -> str:
    """Without padding (RFC 7515 section 2)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def money(amount: int, currency: str) -> Json:
    """Minor units and ISO 4217 code (CNV-003)."""
    return {"amount": amount, "currency": currency}


def buyer(body: Json) -> Json:
    """The members of a buyer that are kept; what a channel adds beyond them is ignored (CNV-001)."""
    return {name: body[name] for name in ("reference", "region", "locale") if name in body}


def having(wire: Json, **optional: object) -> Json:
    """The object with those of these members that there are."""
    wire.update({name: value for name, value in optional.items() if value is not None})
    return wire


def restrictions(offer: Offer, channel_id: str) -> Json | None:
    """The offer's restrictions, with the limit that the merchant has set for this channel, if any."""
    own = (offer.channel_limits or {}).get(channel_id)
    return offer.restrictions if own is None else {**(offer.restrictions or {}), "channel_limit": own}


def render_offer(offer: Offer, channel_id: str = "") -> Json:
    """The Offer of spec/schemas/catalog.yaml, as this channel sees it.

    A deleted offer, seen in its last event, is withdrawn.
    """
    wire: Json = {
        "id": offer.id,
        "revision": offer.revision,
        "status": "active" if offer.status == "active" else "withdrawn",
        "product": offer.product,
        "price": money(offer.price_amount, offer.currency),
        "delivery_kind": offer.delivery_kind,
        "availability": {"status": offer.availability},
        "consistency": offer.consistency,
        "verification_level": "none",
        "updated_at": timestamp(offer.updated_at),
    }
    return having(
        wire,
        promotion=offer.promotion,
        restrictions=restrictions(offer, channel_id),
        buyer_input=offer.buyer_input,
    )


def render_offer_entry(offer: Offer, channel_id: str = "") -> Json:
    """One entry of the offer feed; a tombstone when the offer is deleted (CAT-004)."""
    deleted = offer.status == "deleted"
    wire: Json = {"offer_id": offer.id, "revision": offer.revision, "deleted": deleted}
    return wire if deleted else {**wire, "offer": render_offer(offer, channel_id)}


def render_reservation(hold: Reservation, now: datetime, uses: DataUse) -> Json:
    """The Reservation as it is at `now`: from the instant of `expires_at` on it is expired (INV-005)."""
    uses.check(hold.channel_id, "buyer")
    past = hold.status == "active" and hold.expires_at <= now
    wire: Json = {
        "id": hold.id,
        "offer_id": hold.offer_id,
        "quantity": hold.quantity,
        "status": "expired" if past else hold.status,
        "unit_price": money(hold.unit_amount, hold.currency),
        "buyer": hold.buyer,
        "created_at": timestamp(hold.created_at),
        "expires_at": timestamp(hold.expires_at),
        "trace_id": hold.trace_id,
    }
    return having(wire, reference=hold.reference)


def render_order(order: Order, uses: DataUse) -> Json:
    """The Order of spec/schemas/orders.yaml. Never holds goods (DLV-005)."""
    uses.check(order.channel_id, "buyer", "buyer_input", "evidence")
    wire: Json = {
        "id": order.id,
        "reference": order.reference,
        "status": order.status,
        "revision": order.revision,
        "buyer": order.buyer,
        "lines": order.lines,
        "total": money(order.total_amount, order.currency),
        "payment": order.payment,
        "created_at": timestamp(order.created_at),
        "updated_at": timestamp(order.updated_at),
        "trace_id": order.trace_id,
    }
    return having(
        wire,
        recipient_key=order.recipient_key,
        cancellation=order.cancellation,
        refunds=order.refunds or None,
        disputes=order.disputes or None,
        allotment_id=order.allotment["id"] if order.allotment else None,
    )


def render_delivery(delivery: Delivery) -> Json:
    """The Delivery: that it is there, never what it is (DLV-005). Nothing is said of an order that is "" (OWN-036)."""
    wire: Json = {
        "id": delivery.id,
        "kind": delivery.kind,
        "status": delivery.status,
        "reveal_count": delivery.reveal_count,
        "created_at": timestamp(delivery.created_at),
    }
    revealed = timestamp(delivery.revealed_at) if delivery.revealed_at else None
    return having(
        wire,
        order_id=delivery.order_id or None,
        line_id=delivery.line_id or None,
        revealed_at=revealed,
        replaces=delivery.replaces,
        entitlement_id=delivery.entitlement_id,
        sealed_to=delivery.sealed_to,
    )


def render_revealed(revealed: Revealed) -> Json:
    """The RevealedDelivery: the only wire object that holds goods, in the clear or sealed to the buyer."""
    return {"delivery": render_delivery(revealed.delivery), "goods": revealed.goods}


def render_allotment(lease: Allotment, now: datetime, signed: str | None = None) -> Json:
    """The Allotment as it is at `now`: from the instant of `expires_at` on it has ended. `signed`: its JWS."""
    past = lease.status != "ended" and lease.expires_at <= now
    wire: Json = {
        "id": lease.id,
        "revision": lease.revision,
        "offer_id": lease.offer_id,
        "status": "ended" if past else lease.status,
        "quantity": lease.quantity,
        "sold": lease.sold,
        "returned": lease.returned + (lease.remaining if past else 0),
        "remaining": 0 if past else lease.remaining,
        "unit_price": money(lease.unit_amount, lease.currency),
        "created_at": timestamp(lease.created_at),
        "expires_at": timestamp(lease.expires_at),
        "trace_id": lease.trace_id,
    }
    recalled = lease.recalled_at
    return having(
        wire,
        reference=lease.reference,
        recalled_at=timestamp(recalled) if recalled else None,
        lease=signed,
    )


# What the members of an event's data show of a buyer: the fields to ask the decision point for.
PERSONAL = {
    "order": ("buyer", "evidence"),
    "reservation": ("buyer",),
    "buyer": ("profile", "contacts"),
    "consent": ("consent",),
    "erasure": ("erasure",),
    "entitlement": ("entitlement",),
}


def render_event(event: Event) -> Json:
    """The Event, as it is posted and as the feed shows it."""
    return {
        "id": event.id,
        "type": event.type,
        "subject": event.subject,
        "revision": event.revision,
        "occurred_at": timestamp(event.occurred_at),
        "traceparent": event.traceparent,
        "data": event.data,
    }


def render_stock(offer_id: str, stock: Stock) -> Json:
    """The TestStock of spec/schemas/testing.yaml."""
    return {
        "offer_id": offer_id,
        "kind": stock.kind,
        "received": stock.received,
        "available": stock.available,
        "reserved": stock.reserved,
        "allotted": stock.allotted,
        "sold": stock.sold,
        "voided": stock.voided,
    }


def render_client(channel: Channel, client_secret: str, webhook_secret: str) -> Json:
    """The TestClient: credentials, shown once."""
    return {"client_id": channel.id, "client_secret": client_secret, "webhook_secret": webhook_secret}
