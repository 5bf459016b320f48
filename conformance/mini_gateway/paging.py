"""Pages and opaque cursors, each bound to the operation that issued it."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from conformance.mini_gateway.call import Call
from conformance.mini_gateway.problems import Refusal
from conformance.mini_gateway.world import Json, World


def limit(call: Call) -> int:
    """The page's size; raises Refusal invalid."""
    text = call.query.get("limit", "100")
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 500):
        raise Refusal("invalid", "between 1 and 500", name="limit", where="query")
    return int(text)


def cursor(call: Call, number: int) -> str:
    """A cursor that only this operation takes."""
    raw = f"{call.operation}:{number}".encode()
    return base64.b16encode(raw).decode()


def position(world: World, call: Call) -> int | None:
    """What the caller's cursor says, None without one; raises Refusal cursor_invalid."""
    text = call.query.get("cursor")
    if text is None:
        return None
    try:
        operation, _, number = base64.b16decode(text).decode().partition(":")
        if operation == call.operation:
            return int(number)
    except (binascii.Error, ValueError):
        pass
    if world.fault == "any_cursor":
        return None
    raise Refusal("cursor_invalid", name="cursor", where="query")


def newest_first(world: World, call: Call, owned: list[Any]) -> Json:
    """A page of bodies, newest first; the cursor is how many are older than what was shown."""
    reference = call.query.get("reference")
    bodies = [one.body for one in owned if reference is None or one.body.get("reference") == reference]
    size, left = limit(call), position(world, call)
    left = len(bodies) if left is None else min(left, len(bodies))
    shown = list(reversed(bodies[max(0, left - size) : left]))
    rest = left - len(shown)
    page: Json = {"has_more": rest > 0, "items": shown}
    if rest > 0:
        again = world.fault == "pages_overlap" and call.operation in ("list_orders", "list_reservations")
        page["next_cursor"] = cursor(call, rest + (again and size > 1))
    return page


def feed(world: World, call: Call, entries: list[tuple[int, Json]]) -> Json:
    """A page of an ordered feed of (position, entry); always with a next cursor."""
    after = position(world, call) or 0
    ahead = [(number, entry) for number, entry in sorted(entries, key=lambda e: e[0]) if number > after]
    shown = ahead[: limit(call)]
    last = shown[-1][0] if shown else after
    page: Json = {
        "next_cursor": cursor(call, last),
        "items": [entry for _, entry in shown],
        "has_more": len(ahead) > len(shown),
    }
    ends = {"list_offers": "offer_feed_ends", "list_events": "event_feed_ends"}[call.operation]
    if world.fault == ends and not shown:
        del page["next_cursor"]
    return page
