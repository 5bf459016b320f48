"""Operation: what has happened, to catch up or replay."""

from __future__ import annotations

from gateway.core import wire
from gateway.http.pages import feed_page, position_of
from gateway.http.render import render
from gateway.http.request import Request
from gateway.http.response import Response


async def list_events(request: Request) -> Response:
    """Oldest first, delivered or not (EVT-009)."""
    rows = await request.services.queries.events_after(
        request.channel_id, position_of(request), request.values["limit"] + 1
    )
    for event in rows:
        for name in event.data:
            request.uses.check(event.channel_id, *wire.PERSONAL.get(name, ()))
    return render(200, feed_page(request, rows, wire.render_event, lambda row: row.position))
