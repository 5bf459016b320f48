"""Test control: fixtures, the clock, and failures on demand."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import aiohttp

from conformance.mini_gateway import catalog, inventory, leases, making, orders, ownership
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import SCOPES, Client, Json, Offer, Stock, World


def test_reset(world: World, call: Call) -> None:
    """Forget all trade."""
    world.forget()


async def test_create_client(world: World, call: Call) -> Json:
    """Register a channel, reading its discovery document when it has a URL."""
    body = call.body
    secret = base64.b64encode(secrets.token_bytes(24)).decode()
    client = Client(
        id=world.name("shop"),
        secret=secrets.token_urlsafe(24),
        webhook_secret=f"whsec_{secret}",
        scopes=tuple(body.get("scopes", SCOPES)),
        jwks=body.get("jwks", {"keys": []}),
        name=body["name"],
        max_holds=body.get("max_open_holds", 1000),
        max_buyer_holds=body.get("max_open_holds_per_buyer", 1000),
        rate=body.get("rate_limit_per_minute", 60_000),
    )
    if "channel_url" in body:
        document = await _discovery(body["channel_url"])
        client.events_url = document["endpoints"]["events"]
        client.scheme = document["signature_scheme"]
    world.clients[client.id] = client
    return {
        "webhook_secret": client.webhook_secret,
        "client_secret": client.secret,
        "client_id": client.id,
    }


async def _discovery(url: str) -> Json:
    where = url.rstrip("/") + "/.well-known/vgcp"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http,
            http.get(where) as answer,
        ):
            document: Json = await answer.json()
            document["endpoints"]["events"], document["signature_scheme"]
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError) as error:
        raise Refusal("channel_unreachable", pointer="/channel_url") from error
    return document


def test_create_offer(world: World, call: Call) -> Json:
    """Create an offer with stock."""
    body = call.body
    offer = Offer(
        id=world.name("deal"),
        owner=body.get("client_id", ""),
        name=body["product_name"],
        price=body["price"],
        kind=body["delivery_kind"],
        stock=_stock(world, body),
        updated_at=world.stamp(),
        restrictions=body.get("restrictions"),
        buyer_input=body.get("buyer_input"),
        url=body.get("download_url", ""),
        supplier=body.get("on_demand", {}).get("supplier", ""),
        position=world.tick(),
        consistency=body.get("consistency", "strict"),
        ownership={name: body[name] for name in ("transferable", "valid_days") if name in body},
    )
    offer.buyable = offer.stock.has(1)
    world.offers[offer.id] = offer
    offer.revision = 0
    catalog.touch(world, offer, "offer.updated", call.trace_id)
    return catalog.shown(world, offer)


def _stock(world: World, body: Json) -> Stock:
    safety = body.get("safety_stock", 0)
    if "codes" in body:
        codes = _new_codes(world, body["codes"], "/codes")
        return Stock("codes", received=len(codes), available=len(codes), pool=codes, safety=safety)
    if "quantity" in body:
        return Stock("counted", received=body["quantity"], available=body["quantity"], safety=safety)
    return Stock("unlimited")


def _new_codes(world: World, codes: list[str], pointer: str) -> list[str]:
    if len(set(codes)) != len(codes) or world.codes & set(codes):
        raise Refusal("duplicate_code", pointer=pointer)
    world.codes |= set(codes)
    return list(codes)


def _offer(world: World, call: Call) -> Offer:
    offer = world.offers.get(call.parts["offer_id"])
    if offer is None:
        raise Refusal("not_found", name="offer_id", where="path")
    return offer


def test_update_offer(world: World, call: Call) -> Json:
    """Change, withdraw or delete an offer, or its stock."""
    offer, body = _offer(world, call), call.body
    stock = offer.stock
    void = body.get("void_available", 0)
    if void > stock.available:
        raise Refusal("out_of_stock", pointer="/void_available")
    codes = _new_codes(world, body.get("add_codes", []), "/add_codes")
    offer.price = body.get("price", offer.price)
    offer.withdrawn = body.get("withdrawn", offer.withdrawn)
    offer.deleted = body.get("deleted", offer.deleted)
    stock.pool = stock.pool[void:] + codes
    stock.available += len(codes) - void
    stock.received += len(codes)
    stock.voided += void
    if "price" in body or "withdrawn" in body or "deleted" in body:
        gone = offer.deleted or offer.withdrawn
        catalog.touch(world, offer, "offer.withdrawn" if gone else "offer.updated", call.trace_id)
    catalog.weigh(world, offer, call.trace_id)
    return catalog.entry(world, offer)


def _pending(world: World, offer: Offer) -> int:
    """Units of the offer in pending orders of two."""
    lines = [o.body["lines"][0] for o in world.orders.values() if o.body["status"] == "payment_required"]
    return sum(int(x["quantity"]) for x in lines if x["offer_id"] == offer.id and x["quantity"] == 2)


def test_get_stock(world: World, call: Call) -> Json:
    """The books."""
    offer = _offer(world, call)
    stock = offer.stock
    free = _pending(world, offer) if world.fault == "pending_stock_free" else 0
    hidden = min(stock.phantoms, stock.reserved)
    sold = stock.sold - (stock.phantoms - hidden)
    extra = int(world.fault == "books_off" and stock.kind == "codes")
    return {
        "kind": stock.kind,
        "offer_id": offer.id,
        "sold": sold,
        "voided": stock.voided,
        "reserved": stock.reserved - hidden - free,
        "available": stock.available + free,
        "allotted": stock.allotted,
        "received": stock.received + extra,
    }


def test_advance_clock(world: World, call: Call) -> Json:
    """Advance the clock, and do what falls due."""
    world.offset += timedelta(seconds=call.body["advance_seconds"])
    if world.fault == "short_memory" and call.body["advance_seconds"] > 3600:
        world.answers.clear()
    world.lag = time.monotonic() + 0.5 if world.fault == "clock_lags" else 0.0
    sweep(world)
    return {"now": world.stamp()}


def sweep(world: World) -> None:
    """What falls due by now."""
    inventory.expire_due(world)
    if time.monotonic() >= world.lag:
        orders.expire_due(world)
    leases.expire_due(world)
    ownership.expire_due(world)
    making.work(world)


def test_raise_fault(world: World, call: Call) -> None:
    """Remember a failure for the next calls of an operation."""
    if world.fault == "faults_missing":
        raise Refusal("not_found")
    world.injected.append(dict(call.body))


Handler = Callable[[World, Call], Json | str | bytes | Awaitable[Json] | None]
