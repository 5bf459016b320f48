"""Operations: the goods."""

from __future__ import annotations

from gateway.core import delivery as rules
from gateway.core import wire
from gateway.core.errors import ProtocolError
from gateway.http.pages import cursor_of, list_page
from gateway.http.render import render
from gateway.http.request import Request
from gateway.http.response import Response
from gateway.http.write import write


async def list_deliveries(request: Request) -> Response:
    """What there is to hand over; never the goods (DLV-005)."""
    queries, order_id = request.services.queries, request.values["order_id"]
    after = cursor_of(request)
    if await queries.order(request.channel_id, order_id) is None:
        raise ProtocolError("not_found")
    rows = await queries.deliveries(request.channel_id, order_id, after, request.values["limit"] + 1)
    return render(200, list_page(request, rows, wire.render_delivery, lambda row: row.id))


async def reveal_delivery(request: Request) -> Response:
    """Open the goods, with an audit row each time (DLV-003, DLV-009)."""
    vault, call, delivery_id = request.services.vault, request.call, request.values["delivery_id"]
    reason = request.body.get("reason")

    return await write(
        request,
        200,
        lambda books: wire.render_revealed(rules.reveal_delivery(books, vault, call, delivery_id, reason)),
        on_replay=lambda books: rules.note_replay(books, call, delivery_id),
        goods=True,
    )
