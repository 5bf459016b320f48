"""The documents that a gateway publishes about itself."""

from __future__ import annotations

from conformance.driver.gateway_client import GatewaySession
from conformance.driver.shop import traceparent
from conformance.model import scenario


@scenario("documents", role="gateway")
async def documents(s: GatewaySession) -> None:
    """Discovery, metadata, keys; and every endpoint that discovery names."""
    seen = await s.ask("get_discovery", "discovery")
    await s.ask("get_authorization_server", "metadata")
    await s.ask("get_jwks", "keys")
    found = seen.answer.get("endpoints")
    named = str(found.get("authorization_server") or "") if isinstance(found, dict) else ""
    if named.startswith("http"):
        sent = {"traceparent": traceparent()}
        await s.client.call("", "GET", named, label="named metadata", headers=sent)
    shop = await s.shop()
    await shop.do("list_offers", "named api and token endpoint")
