"""The gateway document's operations, as a table."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Route:
    """`scope` is a token's scope, "test" for test control, or "" for public; `key` marks Idempotency-Key."""

    operation: str
    method: str
    path: str
    scope: str = ""
    body: str = ""
    body_required: bool = False
    key: bool = False
    status: int = 200
    query: tuple[str, ...] = ()

    @property
    def pattern(self) -> re.Pattern[str]:
        """The path as a regular expression with a group for each parameter."""
        return re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path) + "$")


_V1 = "/vgcp/v1"
_LEASE = _V1 + "/allotments/{allotment_id}"
_ENTITLEMENT = _V1 + "/entitlements/{entitlement_id}"
_TRANSFER = _V1 + "/transfers/{transfer_id}"
_LOG = _V1 + "/ownership-log"
_BUYER = _V1 + "/buyers/{buyer_id}"
_PAGE = ("cursor", "limit")


def _test(operation: str, method: str, path: str, body: str, status: int, need: bool = True) -> Route:
    return Route(operation, method, f"{_V1}/test{path}", "test", body, need and bool(body), status=status)


def _owning(
    operation: str, path: str, body: str, status: int = 200, *, need: bool = True, key: bool = True
) -> Route:
    return Route(operation, "POST", path, "ownership", body, need, key, status)


ROUTES = (
    Route("get_discovery", "GET", "/.well-known/vgcp"),
    Route("get_authorization_server", "GET", "/.well-known/oauth-authorization-server"),
    Route("get_jwks", "GET", f"{_V1}/oauth/jwks"),
    Route("issue_token", "POST", f"{_V1}/oauth/token"),
    Route("list_offers", "GET", f"{_V1}/offers", "catalog", query=_PAGE),
    Route("get_offer", "GET", _V1 + "/offers/{offer_id}", "catalog"),
    Route(
        "create_reservation",
        "POST",
        f"{_V1}/reservations",
        "inventory",
        "ReservationRequest",
        True,
        True,
        201,
    ),
    Route("list_reservations", "GET", f"{_V1}/reservations", "inventory", query=(*_PAGE, "reference")),
    Route("get_reservation", "GET", _V1 + "/reservations/{reservation_id}", "inventory"),
    Route("release_reservation", "DELETE", _V1 + "/reservations/{reservation_id}", "inventory"),
    Route(
        "extend_reservation",
        "POST",
        _V1 + "/reservations/{reservation_id}/extend",
        "inventory",
        "ReservationExtension",
        key=True,
    ),
    Route("create_order", "POST", f"{_V1}/orders", "orders", "OrderRequest", True, True, 201),
    Route("list_orders", "GET", f"{_V1}/orders", "orders", query=(*_PAGE, "reference")),
    Route("get_order", "GET", _V1 + "/orders/{order_id}", "orders"),
    Route(
        "confirm_payment",
        "POST",
        _V1 + "/orders/{order_id}/payment",
        "orders",
        "PaymentConfirmation",
        True,
        True,
    ),
    Route("cancel_order", "POST", _V1 + "/orders/{order_id}/cancel", "orders", "Cancellation", key=True),
    Route(
        "create_refund",
        "POST",
        _V1 + "/orders/{order_id}/refunds",
        "orders",
        "RefundRequest",
        True,
        True,
        201,
    ),
    Route("list_refunds", "GET", _V1 + "/orders/{order_id}/refunds", "orders", query=_PAGE),
    Route(
        "create_dispute",
        "POST",
        _V1 + "/orders/{order_id}/disputes",
        "orders",
        "DisputeRequest",
        True,
        True,
        201,
    ),
    Route(
        "create_replacement",
        "POST",
        _V1 + "/orders/{order_id}/replacements",
        "delivery",
        "ReplacementRequest",
        True,
        True,
        201,
    ),
    Route("list_deliveries", "GET", _V1 + "/orders/{order_id}/deliveries", "delivery", query=_PAGE),
    Route(
        "reveal_delivery",
        "POST",
        _V1 + "/deliveries/{delivery_id}/reveal",
        "delivery",
        "RevealRequest",
        key=True,
    ),
    Route("create_allotment", "POST", f"{_V1}/allotments", "allotments", "AllotmentRequest", True, True, 201),
    Route("list_allotments", "GET", f"{_V1}/allotments", "allotments", query=(*_PAGE, "reference")),
    Route("get_allotment", "GET", _V1 + "/allotments/{allotment_id}", "allotments"),
    Route("report_sales", "POST", f"{_LEASE}/sales", "allotments", "SalesReport", True, True),
    Route("release_allotment", "POST", f"{_LEASE}/release", "allotments", "AllotmentRelease", key=True),
    Route("resolve_buyer", "POST", f"{_V1}/buyers/resolve", "identity", "ResolveRequest", True, True),
    Route("get_buyer", "GET", _BUYER, "identity"),
    Route("create_link", "POST", f"{_BUYER}/links", "identity", "LinkRequest", True, True, 201),
    Route("list_links", "GET", f"{_BUYER}/links", "identity", query=_PAGE),
    Route("redeem_link_code", "POST", f"{_BUYER}/links/redeem", "identity", "LinkRedemption", True, True),
    Route("delete_link", "DELETE", _BUYER + "/links/{link_id}", "identity"),
    Route("confirm_link", "POST", _BUYER + "/links/{link_id}/confirm", "identity", "LinkProof", True, True),
    Route("begin_passkey", "POST", f"{_V1}/passkeys/begin", "", "PasskeyTicket", True),
    Route("finish_passkey", "POST", f"{_V1}/passkeys/finish", "", "PasskeyProof", True),
    Route("list_events", "GET", f"{_V1}/events", "events", query=_PAGE),
    Route("get_certificate_issuer", "GET", "/.well-known/jwt-vc-issuer"),
    Route("list_entitlements", "GET", _V1 + "/buyers/{buyer_id}/entitlements", "ownership", query=_PAGE),
    Route("get_entitlement", "GET", _ENTITLEMENT, "ownership"),
    Route("list_ownership_changes", "GET", f"{_ENTITLEMENT}/history", "ownership", query=_PAGE),
    _owning("consume_entitlement", f"{_ENTITLEMENT}/consume", "ConsumeRequest", need=False),
    _owning("issue_certificate", f"{_ENTITLEMENT}/certificates", "CertificateRequest", 201, need=False),
    _owning("create_transfer", f"{_ENTITLEMENT}/transfers", "TransferRequest", 201, need=False),
    _owning("verify_certificate", f"{_V1}/certificates/verify", "CertificatePresentation", key=False),
    Route("get_status_list", "GET", _V1 + "/status-lists/{list_id}"),
    _owning("accept_transfer", f"{_V1}/transfers/accept", "TransferAcceptance"),
    _owning("decline_transfer", f"{_V1}/transfers/decline", "TransferRefusal"),
    Route("get_transfer", "GET", _TRANSFER, "ownership"),
    Route("cancel_transfer", "DELETE", _TRANSFER, "ownership"),
    Route("get_log_head", "GET", f"{_LOG}/head"),
    Route("list_log_entries", "GET", f"{_LOG}/entries", query=("start", "limit")),
    Route("get_inclusion_proof", "GET", f"{_LOG}/inclusion", query=("leaf_hash", "tree_size")),
    Route("get_consistency_proof", "GET", f"{_LOG}/consistency", query=("first", "second")),
    _test("test_reset", "POST", "/reset", "TestReset", 204, need=False),
    _test("test_create_client", "POST", "/clients", "TestClientRequest", 201),
    _test("test_create_offer", "POST", "/offers", "TestOfferRequest", 201),
    _test("test_update_offer", "POST", "/offers/{offer_id}", "TestOfferUpdate", 200),
    _test("test_get_stock", "GET", "/offers/{offer_id}/stock", "", 200),
    _test("test_advance_clock", "POST", "/clock", "TestClock", 200),
    _test(
        "test_recall_allotment", "POST", "/allotments/{allotment_id}/recall", "TestRecall", 200, need=False
    ),
    _test("test_dismiss_dispute", "POST", "/orders/{order_id}/dismiss-dispute", "", 204),
    _test("test_move_token", "POST", "/deliveries/{delivery_id}/move-token", "", 204),
    _test("test_renew_keys", "POST", "/keys/renew", "", 204),
    Route("list_consents", "GET", f"{_BUYER}/consents", "consent", query=_PAGE),
    Route("get_consent", "GET", _BUYER + "/consents/{purpose}", "consent"),
    Route("set_consent", "PUT", _BUYER + "/consents/{purpose}", "consent", "ConsentRequest", True),
    Route("list_receipts", "GET", _BUYER + "/consents/{purpose}/receipts", "consent", query=_PAGE),
    Route("list_data_uses", "GET", f"{_BUYER}/data-uses", "consent", query=_PAGE),
    Route("export_buyer", "GET", f"{_BUYER}/export", "consent", query=("proof",)),
    Route("erase_buyer", "DELETE", _BUYER, "consent", query=("proof", "scope")),
    _test("test_list_buyer_changes", "GET", "/buyers/{buyer_id}/changes", "", 200),
    _test("test_read_mail", "POST", "/mails/read", "TestMailRequest", 200),
    _test("test_trust_issuer", "POST", "/identity-providers", "TestIdentityProvider", 204),
    _test("test_set_tier", "POST", "/buyers/{buyer_id}/tier", "TestTier", 204),
    _test("test_raise_fault", "POST", "/faults", "TestFault", 204),
)
_COMPILED = [(route, route.pattern) for route in ROUTES]


def find(method: str, path: str) -> tuple[Route | None, dict[str, str], list[str]]:
    """The route with its path parameters, or None and the methods that the path does have."""
    allowed: list[str] = []
    for route, pattern in _COMPILED:
        match = pattern.match(path)
        if match and route.method == method:
            return route, match.groupdict(), []
        if match:
            allowed.append(route.method)
    return None, {}, allowed
