"""Operations: what may be sold."""

from __future__ import annotations

from functools import partial

from gateway.core import wire
from gateway.core.errors import ProtocolError
from gateway.http.pages import feed_page, position_of
from gateway.http.render import render
from gateway.http.request import Request
from gateway.http.response import Response


async def list_offers(request: Request) -> Response:
    """The delta feed, with tombstones (CAT-001 to CAT-004)."""
    rows = await request.services.queries.offers_after(
        request.channel_id, position_of(request), request.values["limit"] + 1
    )
    entry = partial(wire.render_offer_entry, channel_id=request.channel_id)
    return render(200, feed_page(request, rows, entry, lambda row: row.position))


async def get_offer(request: Request) -> Response:
    """One offer as the feed shows it (CAT-007). Raises ProtocolError `not_found`, for a deleted one too (CAT-008)."""
    offer = await request.services.queries.offer(request.channel_id, request.values["offer_id"])
    if offer is None or offer.status == "deleted":
        raise ProtocolError("not_found")
    return render(200, wire.render_offer(offer, request.channel_id))
