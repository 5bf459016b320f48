"""The channel document's public part: discovery and events (spec/openapi/channel.yaml)."""

from __future__ import annotations

import logging
from importlib import metadata

from aiohttp import web

import spec
from reference_channels.kit.errors import GatewayError, Json
from reference_channels.kit.signatures import (
    SignatureRefused,
    SignedCall,
    key_ids,
    verify_rfc9421,
    verify_standard_webhook,
)
from reference_channels.trade import effects, wire
from reference_channels.trade.problems import RefusalError
from reference_channels.trade.settings import TRADE, Trade

log = logging.getLogger(__name__)

CAPABILITIES = (
    "catalog", "inventory", "orders", "delivery", "events", "sealed_delivery", "identity", "consent", "ownership",
)  # fmt: skip
PROFILES = ("core", "identity", "ownership")


async def get_discovery(request: web.Request) -> web.Response:
    """Who this channel is and how events to it are to be signed (DSC-002, DSC-008 to DSC-010)."""
    settings = request.app[TRADE].settings
    sandbox = settings.test_secret is not None
    names = [*CAPABILITIES, "test_control"] if sandbox else CAPABILITIES
    api = settings.public_url + spec.PATH
    document: Json = {
        "protocol": "vgcp",
        "role": "channel",
        "name": settings.name,
        "versions": [spec.VERSION],
        "sandbox": sandbox,
        "capabilities": [{"name": name, "revision": 1} for name in names],
        "profiles": PROFILES,
        "endpoints": {"api": api, "events": api + "/events"},
        "implementation": {"name": f"vgcp-{settings.kind}", "version": metadata.version("vgcp")},
        "signature_scheme": settings.signature_scheme,
    }
    return wire.answer(document)


async def receive_event(request: web.Request) -> web.Response:
    """Take one event: verify, then parse, then let it take effect once (SIG-009, EVT-012 to EVT-015)."""
    trade = request.app[TRADE]
    body = await request.read()
    await _verify(trade, request, body)
    event = await wire.read(request, "Event")
    verdict = await trade.db.run(lambda db: effects.receive(db, event, trade.clock()))
    facts = {"event": event["id"], "type": event["type"], "verdict": verdict.value}
    log.info("event", extra=facts)
    return web.Response(status=204)


async def _verify(trade: Trade, request: web.Request, body: bytes) -> None:
    """Raise RefusalError unless the call is signed by the gateway this channel trades with, for this URL,
    now."""
    url = trade.settings.public_url + request.rel_url.raw_path_qs
    call = SignedCall(request.method, url, request.headers, body)
    try:
        if trade.settings.signature_scheme == "rfc9421":
            verify_rfc9421(call, await _keys(trade, call), trade.clock())
        else:
            connection = trade.link.connection
            secret = connection.credentials.webhook_secret if connection else ""
            verify_standard_webhook(call, secret, trade.clock())
    except SignatureRefused as refusal:
        log.warning("event refused", extra={"problem": refusal.code})
        raise RefusalError(refusal.code) from refusal


async def _keys(trade: Trade, call: SignedCall) -> list[Json]:
    """The gateway's keys, once the call claims to be signed with one of them.

    Raises RefusalError `unavailable` when they cannot be read: the gateway will send the event again.
    """
    wanted = key_ids(call)
    if trade.link.connection is None:
        return []
    try:
        return await trade.link.keys(wanted)
    except GatewayError as error:
        raise RefusalError("unavailable") from error
