"""Which rule serves which operation."""

from __future__ import annotations

from conformance.mini_gateway import (
    aftersale,
    catalog,
    delivery,
    discovery,
    inventory,
    notes,
    oauth,
    orders,
    testing,
)
from conformance.mini_gateway.testing import Handler

HANDLERS: dict[str, Handler] = {
    "get_discovery": discovery.document,
    "get_authorization_server": oauth.metadata,
    "get_jwks": oauth.jwks,
    "issue_token": oauth.token,
    "list_offers": catalog.list_offers,
    "get_offer": catalog.get_offer,
    "create_reservation": inventory.create_reservation,
    "list_reservations": inventory.list_reservations,
    "get_reservation": inventory.get_reservation,
    "release_reservation": inventory.release_reservation,
    "extend_reservation": inventory.extend_reservation,
    "create_order": orders.create_order,
    "list_orders": orders.list_orders,
    "get_order": orders.get_order,
    "confirm_payment": orders.confirm_payment,
    "cancel_order": orders.cancel_order,
    "create_refund": aftersale.create_refund,
    "list_refunds": aftersale.list_refunds,
    "create_dispute": aftersale.create_dispute,
    "create_replacement": aftersale.create_replacement,
    "list_deliveries": delivery.list_deliveries,
    "reveal_delivery": delivery.reveal_delivery,
    "list_events": notes.list_events,
    "test_reset": testing.test_reset,
    "test_create_client": testing.test_create_client,
    "test_create_offer": testing.test_create_offer,
    "test_update_offer": testing.test_update_offer,
    "test_get_stock": testing.test_get_stock,
    "test_advance_clock": testing.test_advance_clock,
    "test_raise_fault": testing.test_raise_fault,
}
