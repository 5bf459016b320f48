"""Operation: what this gateway is and serves."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import spec
from gateway.http.credentials import party_of
from gateway.http.render import cached
from gateway.http.request import Request
from gateway.http.response import Response

CAPABILITIES = [
    *("catalog", "inventory", "orders", "delivery", "events", "allotments", "on_demand"),
    *("identity", "consent", "ownership", "ownership_log", "tokens"),
]


async def get_discovery(request: Request) -> Response:
    """DSC-001, DSC-003 to DSC-007, DSC-010."""
    services = request.services
    api, origin = services.tokens.audience, services.public_url
    settings = services.settings
    optional = {
        "sealed_delivery": settings.sealed_delivery,
        "passkeys": party_of(services).usable,
        "test_control": settings.sandbox,
    }
    served = [*CAPABILITIES, *(name for name, on in optional.items() if on)]
    document: dict[str, Any] = {
        "protocol": "vgcp",
        "role": "gateway",
        "name": settings.name,
        "versions": [spec.VERSION],
        "sandbox": settings.sandbox,
        "capabilities": [{"name": name, "revision": 1} for name in served],
        "profiles": [one.id for one in spec.profiles() if set(one.gateway) <= set(served)],
        "endpoints": {
            "api": api,
            "token": f"{api}/oauth/token",
            "authorization_server": f"{origin}/.well-known/oauth-authorization-server",
        },
        "implementation": {"name": "vgcp-reference-gateway", "version": version("vgcp")},
        "keys": services.keys.public,
    }
    return cached(document)
