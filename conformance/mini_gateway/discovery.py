"""What this gateway says of itself."""

from __future__ import annotations

import spec
from conformance.mini_gateway import oauth
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.world import SCOPES, Json, World

CORE = ("catalog", "inventory", "orders", "delivery", "events")


def document(world: World, call: Call) -> Json:
    """The discovery document."""
    names, profiles = (
        [*SCOPES, "sealed_delivery", "on_demand", "ownership_log", "tokens", "passkeys", "test_control"],
        ["core", "offline", "identity", "ownership"],
    )
    if world.fault == "profile_incomplete":
        names.remove("delivery")
    if world.fault == "key_ignored":
        names.remove("sealed_delivery")
        profiles.remove("offline")
    if world.fault == "core_only":  # less than it could, and right
        names, profiles = [*CORE, "test_control"], ["core"]
    server = f"{world.url}/.well-known/oauth-authorization-server"
    return {
        "role": "channel" if world.fault == "role_wrong" else "gateway",
        "protocol": "vgcp",
        "name": "Mini gateway",
        "profiles": profiles,
        "versions": ["9.0"] if world.fault == "version_missing" else [spec.VERSION],
        "sandbox": world.fault != "sandbox_hidden",
        "implementation": {"version": spec.VERSION, "name": "vgcp-mini-gateway"},
        "capabilities": [{"revision": 1, "name": name} for name in names],
        "endpoints": {
            "authorization_server": f"{world.url}/nowhere" if world.fault == "dead_endpoint" else server,
            "token": f"{world.url}{spec.PATH}/oauth/token",
            "api": world.url + spec.PATH,
        },
        "keys": oauth.published(world, private=world.fault == "private_key_shown"),
    }
