"""Operations: test control, served in a sandbox only (TST-001, TST-005)."""

from __future__ import annotations

from typing import Any

import spec
from gateway.core import aftersale, allotments, tokens, wire
from gateway.core import sandbox as rules
from gateway.core.clients import SCOPES, NewClient
from gateway.core.errors import ProtocolError, at
from gateway.core.model import Json
from gateway.http.limits import Fault
from gateway.http.render import render
from gateway.http.request import Request
from gateway.http.response import Response
from gateway.http.services import Sandbox

SCHEMES = ("rfc9421", "standard_webhooks")
LIMITS = ("max_open_holds", "max_open_holds_per_buyer", "rate_limit_per_minute")


async def test_reset(request: Request) -> Response:
    """Forget all trade, faults and the advanced clock."""
    services = request.services
    await _sandbox(request).reset()
    services.faults.clear()
    services.limiter.forget()
    services.clients.forget()
    services.tokens.forget()
    services.providers.forget()
    return Response(204)


async def test_create_client(request: Request) -> Response:
    """Register a channel; with a `channel_url`, one that gets events as its discovery document asks for them."""
    body: Json = request.body
    members: dict[str, Any] = {name: int(body[name]) for name in LIMITS if name in body}
    if "channel_url" in body:
        members |= _wishes(await _sandbox(request).read_discovery(body["channel_url"]))
    command = NewClient(
        name=body["name"], scopes=tuple(body.get("scopes", SCOPES)), jwks=body.get("jwks"), **members
    )
    vault, call = request.services.vault, request.call
    made = await request.services.writer.run(
        lambda books: rules.test_create_client(books, vault, call, command)
    )
    return render(201, wire.render_client(made.channel, made.client_secret, made.webhook_secret))


async def test_create_offer(request: Request) -> Response:
    """An offer with stock, in the feed when this answers."""
    vault, call, command = request.services.vault, request.call, rules.TestOffer.from_wire(request.body)
    offer = await request.services.writer.run(
        lambda books: rules.test_create_offer(books, vault, call, command)
    )
    return render(201, wire.render_offer(offer))


async def test_update_offer(request: Request) -> Response:
    """Change, withdraw or delete an offer, or its stock."""
    vault, call, offer_id = request.services.vault, request.call, request.values["offer_id"]
    offer = await request.services.writer.run(
        lambda books: rules.test_update_offer(books, vault, call, offer_id, request.body)
    )
    return render(200, wire.render_offer_entry(offer))


async def test_get_stock(request: Request) -> Response:
    """The books of an offer's stock, whichever channel sees the offer."""
    offer_id = request.values["offer_id"]
    stock = await request.services.queries.stock_of_offer(offer_id)
    if stock is None:
        raise ProtocolError("not_found")
    return render(200, wire.render_stock(offer_id, stock))


async def test_advance_clock(request: Request) -> Response:
    """Move the clock; what falls due has happened when this answers (TST-007)."""
    now = request.services.clock.advance(int(request.body["advance_seconds"]))
    await _sandbox(request).settle()
    return render(200, {"now": wire.timestamp(now)})


async def test_recall_allotment(request: Request) -> Response:
    """Recall a lease as the merchant would."""
    call, allotment_id = request.call, request.values["allotment_id"]
    grace = int(request.body.get("grace_seconds", allotments.GRACE))
    lease = await request.services.writer.run(
        lambda books: allotments.recall_allotment(books, call, allotment_id, grace)
    )
    return render(200, wire.render_allotment(lease, call.now))


async def test_dismiss_dispute(request: Request) -> Response:
    """Dismiss an order's dispute as the merchant would."""
    call, order_id = request.call, request.values["order_id"]
    await request.services.writer.run(
        lambda books: aftersale.resolve_dispute(books, call, order_id, refund=False)
    )
    return Response(204)


async def test_move_token(request: Request) -> Response:
    """Hand a token on, as its owner would on the chain that a sandbox has not."""
    call, delivery_id = request.call, request.values["delivery_id"]
    await request.services.writer.run(lambda books: tokens.move(books, call, delivery_id))
    return Response(204)


async def test_renew_keys(request: Request) -> Response:
    """Make a new signing key as the merchant would."""
    await request.services.keys.rotate(request.call.now)
    return Response(204)


async def test_raise_fault(request: Request) -> Response:
    """Let the next calls of an operation fail, or lose their answers."""
    body: Json = request.body
    operation = body["operation_id"]
    if operation not in {one.id for one in spec.operations("gateway") if one.security != "test"}:
        raise ProtocolError("invalid", "", at("/operation_id", "There is no such operation."))
    drop = body.get("drop_answer", False)
    if not drop and "status" not in body:
        raise ProtocolError("invalid", "", at("/status", "Is required unless drop_answer is true."))
    request.services.faults.add(
        operation, Fault(body["count"], body.get("status"), drop, body.get("retry_after_seconds"))
    )
    return Response(204)


def _sandbox(request: Request) -> Sandbox:
    sandbox = request.services.sandbox
    if sandbox is None:
        raise ProtocolError("not_found")
    return sandbox


def _wishes(discovery: Json) -> dict[str, Any]:
    """Where a channel wants its events, and how they are signed (DSC-008). Raises `channel_unreachable`."""
    events_url = discovery["endpoints"].get("events")
    scheme = discovery.get("signature_scheme")
    if discovery["role"] != "channel" or events_url is None or scheme not in SCHEMES:
        detail = "Its discovery document names no endpoint for events, or no known signature scheme."
        raise ProtocolError("channel_unreachable", detail, at("/channel_url", detail))
    return {"events_url": events_url, "signature_scheme": scheme}
