"""From a request to its answer: trace, route, token, faults, limits, body, idempotency, rule, rendering."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import inspect
import json
import secrets
import time
from dataclasses import dataclass, field

from aiohttp import web

from conformance.mini_gateway import oauth, problems, reading, trace
from conformance.mini_gateway.call import Call
from conformance.mini_gateway.handlers import HANDLERS
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.routes import Route, find
from conformance.mini_gateway.testing import sweep
from conformance.mini_gateway.world import Client, Json, World

WINDOW = 60.0


@dataclass
class Reply:
    """What goes out; `drop` closes the connection instead."""

    status: int
    data: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    drop: bool = False


async def serve(world: World, request: web.Request) -> web.Response:
    """Answer one request."""
    sent = request.headers.get("traceparent")
    trace_id = trace.trace_id_of(sent) or trace.new_trace_id()
    request_id = "req-1" if world.fault == "request_id_stays" else f"req-{secrets.token_hex(8)}"
    try:
        if sent and not trace.trace_id_of(sent) and world.fault == "trace_strict":
            raise Refusal("invalid", name="traceparent", where="header")
        reply = await _reply(world, request, trace_id)
    except Refusal as refusal:
        reply = _refused(world, refusal, trace_id, request_id)
    if world.fault == "trace_lost" and request.method == "GET" and reply.status < 400:
        trace_id = trace.new_trace_id()
    reply.headers |= {"traceparent": trace.traceparent(trace_id), "VGCP-Request-Id": request_id}
    if reply.drop and request.transport is not None:
        request.transport.abort()
    content_type = {"Content-Type": reply.media_type} if reply.data else {}
    return web.Response(status=reply.status, body=reply.data, headers=reply.headers | content_type)


def _refused(world: World, refusal: Refusal, trace_id: str, request_id: str) -> Reply:
    status, document = problems.document(refusal, trace_id, request_id)
    if world.fault == "problem_trace":
        document["trace_id"] = trace.new_trace_id()
    if world.fault == "problem_thin":
        del document["retryable"]
    return Reply(status, json.dumps(document).encode(), dict(refusal.headers), "application/problem+json")


async def _reply(world: World, request: web.Request, trace_id: str) -> Reply:
    route, parts, allowed = find(request.method, request.path)
    if route is None and allowed:
        allow = {} if world.fault == "no_allow" else {"Allow": ", ".join(sorted(allowed))}
        raise Refusal("method_not_allowed", headers=allow)
    if route is None:
        raise Refusal("scope_missing" if world.fault == "unknown_paths" else "not_found")
    sweep(world)
    client = _admit(world, route, request)
    if world.fault == "operation_missing" and route.operation == "list_reservations":
        raise Refusal("not_found")
    drop = _injected(world, route)
    headers = _quota(world, client) if client else {}
    data = await reading.content(world, request)
    key = reading.key(world, route, request)
    body = reading.body(world, route, request, data)
    form = reading.form(request, data) if route.operation == "issue_token" else {}
    authorization = request.headers.get("Authorization", "")
    call = Call(route.operation, parts, request.query, body, trace_id, client, form, authorization)
    reply = await _once(world, route, call, key, request.path, drop)
    reply.headers |= headers
    reply.drop = drop
    return reply


def _admit(world: World, route: Route, request: web.Request) -> Client | None:
    if route.scope == "test":
        given = request.headers.get("VGCP-Test-Secret", "")
        open_test = world.fault == "open_test" and route.operation == "test_get_stock"
        if not hmac.compare_digest(given.encode(), world.test_secret.encode()) and not open_test:
            raise Refusal("test_secret_invalid")
        return None
    if not route.scope:
        return None
    authorization = request.headers.get("Authorization", "")
    if world.fault == "open_offers" and route.operation == "list_offers" and not authorization:
        return Client("nobody_0", "", "", ("catalog",), {})
    client, scopes = oauth.bearer(world, authorization)
    ignored = {"orders": "order_scope", "delivery": "delivery_scope"}.get(route.scope)
    if route.scope not in scopes and (world.fault != ignored or not ignored):
        raise Refusal("scope_missing")
    return client


def _injected(world: World, route: Route) -> bool:
    for one in world.injected:
        if one["operation_id"] == route.operation and one["count"] > 0:
            one["count"] -= 1
            if one.get("drop_answer"):
                return True
            _fail(world, one)
    return False


def _fail(world: World, one: Json) -> None:
    status = one.get("status", 503)
    code = {429: "rate_limited", 500: "internal"}.get(status, "unavailable")
    wait = {"Retry-After": str(one.get("retry_after_seconds", 1))}
    if status == 500 or (status == 503 and world.fault == "no_retry_after"):
        wait = {}
    raise Refusal(code, headers=wait)


def _quota(world: World, client: Client) -> dict[str, str]:
    now = time.monotonic()
    client.calls = [at for at in client.calls if at > now - WINDOW]
    left = client.rate - len(client.calls)
    if left <= 0 and world.fault != "no_rate_limit":
        wait = int(client.calls[0] + WINDOW - now) + 1
        headers = {} if world.fault == "rate_limit_mute" else {"Retry-After": str(wait)}
        raise Refusal("rate_limited", headers=headers)
    client.calls.append(now)
    if world.fault == "no_quota_headers":
        return {}
    policy = f'"mini";q={client.rate};w={int(WINDOW)}'
    return {"RateLimit": f'"mini";r={max(0, left - 1)};t={int(WINDOW)}', "RateLimit-Policy": policy}


async def _once(world: World, route: Route, call: Call, key: str, path: str, drop: bool) -> Reply:
    await _dawdle(world, route, call)
    owner = call.client.id if call.client and world.fault != "keys_shared" else ""
    name = (owner, route.operation, key)
    same = hashlib.sha256(json.dumps([path, call.body], sort_keys=True).encode()).hexdigest()
    kept = world.answers.get(name) if key else None
    if kept and kept["same"] != same and world.fault != "conflict_replayed":
        raise Refusal("idempotency_key_reused", name="Idempotency-Key", where="header")
    if kept:
        marked = {} if world.fault == "replay_unmarked" else {"Idempotency-Replayed": "true"}
        return Reply(kept["status"], kept["data"], marked)
    if world.fault == "same_key_twice" and route.operation == "create_order":
        await asyncio.sleep(0.2)  # so that they meet on a busy machine, too
    if key and world.fault == "refusals_kept":
        world.answers[name] = {"same": "", "status": 0, "data": b""}
    reply = await _run(world, route, call)
    if key and not (drop and world.fault == "dropped_forgotten"):
        world.answers[name] = {"same": same, "status": reply.status, "data": reply.data}
    return reply


async def _dawdle(world: World, route: Route, call: Call) -> None:
    """Let others in between reading the stock and writing it: how a gateway comes to oversell."""
    if world.fault == "oversell" and route.operation in ("create_reservation", "create_order"):
        call.seen = {offer.id: offer.stock.available for offer in world.offers.values()}
        await asyncio.sleep(0.03)


async def _run(world: World, route: Route, call: Call) -> Reply:
    result = HANDLERS[route.operation](world, call)
    value = await result if inspect.isawaitable(result) else result
    if isinstance(value, bytes):
        return Reply(route.status, value, media_type="application/zip")
    if value is None:
        return Reply(route.status if route.status != 200 else 204)
    if isinstance(value, str):
        return Reply(route.status, value.encode(), media_type="application/statuslist+jwt")
    if world.fault == "nulls" and route.operation == "create_order":
        value = value | {"cancellation": None}
    if world.fault == "local_times" and route.operation == "create_reservation":
        value = value | {"created_at": value["created_at"].replace("Z", "+00:00")}
    return Reply(route.status, json.dumps(value, ensure_ascii=False).encode())
