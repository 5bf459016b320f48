"""Reads a request in full, and refuses what does not fit the document."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

import spec
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.routes import Route
from conformance.mini_gateway.world import Json, World

MOST = 256 * 1024  # bytes of a body
_KEY = re.compile(r"^[!-~]{1,255}$")


async def content(world: World, request: web.Request) -> bytes:
    """The body; raises Refusal body_too_large."""
    most = 64 * 1024 * 1024 if world.fault == "any_size" else MOST
    parts, size = [], 0
    async for part in request.content.iter_any():
        size += len(part)
        if size <= most:
            parts.append(part)
    if size > most:
        raise Refusal("body_too_large")
    return b"".join(parts)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def body(world: World, route: Route, request: web.Request, data: bytes) -> Json:
    """The body as JSON that fits its schema; raises Refusal."""
    if not route.body or (not data and not route.body_required):
        return {}
    if request.content_type != "application/json" and world.fault != "any_media_type":
        raise Refusal("media_type_unsupported")
    try:
        value = json.loads(data, parse_constant=_no_constant)
    except ValueError as error:
        if world.fault == "malformed_is_invalid":
            raise Refusal("invalid", pointer="") from error
        raise Refusal("malformed") from error
    problems = spec.validator(route.body).errors(value)
    if problems:
        raise _invalid(world, problems)
    if world.fault == "unknown_refused" and set(value) - known(route.body):
        raise Refusal("invalid", pointer="/" + min(set(value) - known(route.body)))
    return dict(value)


def known(name: str) -> set[str]:
    """The members that a type's schema names."""
    schema = spec.document("gateway")["components"]["schemas"][name]
    return set(schema["properties"])


def _invalid(world: World, problems: list[tuple[str, str]]) -> Refusal:
    refusal = Refusal("invalid", "the body does not fit its schema")
    if world.fault != "no_pointers":
        refusal.errors = [{"detail": text[:1000], "pointer": at, "in": "body"} for at, text in problems[:20]]
    return refusal


def form(request: web.Request, data: bytes) -> dict[str, str]:
    """The token request's form; raises Refusal."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise Refusal("invalid_request", "the media type is not that of a form")
    try:
        return dict(parse_qsl(data.decode(), keep_blank_values=True))
    except ValueError as error:
        raise Refusal("invalid_request") from error


def key(world: World, route: Route, request: web.Request) -> str:
    """The Idempotency-Key where one is required; raises Refusal idempotency_key_missing."""
    value = request.headers.get("Idempotency-Key", "")
    if not route.key or _KEY.match(value):
        return value if route.key else ""
    if world.fault == "key_optional":
        return ""
    raise Refusal("idempotency_key_missing", name="Idempotency-Key", where="header")
