"""Leases as signed statements (JWS, RFC 7515), which a cut-off channel can show and anyone can check offline."""

from __future__ import annotations

from joserfc import jwt

from gateway.core import wire
from gateway.core.model_allotments import Allotment
from gateway.http.jose import OWN, own_registry
from gateway.http.services import Services

TYPE = "vgcp-lease+jwt"


def sign_lease(services: Services, lease: Allotment) -> str | None:
    """The LeaseClaims as a compact JWS (ALT-005); None for a lease that is not to be sold from any more."""
    if lease.status != "active":
        return None
    claims = {
        "iss": services.tokens.issuer,
        "sub": lease.channel_id,
        "aud": lease.channel_id,
        "iat": int(lease.created_at.timestamp()),
        "exp": int(lease.expires_at.timestamp()),
        "allotment_id": lease.id,
        "offer_id": lease.offer_id,
        "product_id": lease.product_id,
        "quantity": lease.quantity - lease.returned,
        "unit_price": wire.money(lease.unit_amount, lease.currency),
    }
    header = {"alg": OWN, "typ": TYPE, "kid": services.keys.kid}
    return jwt.encode(header, claims, services.keys.signing, registry=own_registry)
