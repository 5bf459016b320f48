"""Operations: holds."""

from __future__ import annotations

from gateway.core import inventory as rules
from gateway.core import wire
from gateway.core.errors import ProtocolError
from gateway.http.pages import cursor_of, list_page
from gateway.http.render import render
from gateway.http.request import Request
from gateway.http.response import Response
from gateway.http.write import write


async def create_reservation(request: Request) -> Response:
    """Hold stock for a buyer."""
    call, command = request.call, rules.CreateReservation.from_wire(request.body)
    return await write(
        request,
        201,
        lambda books: wire.render_reservation(
            rules.create_reservation(books, call, command), call.now, request.uses
        ),
        prepare=lambda books: rules.prepare_reservation(books, call, command),
    )


async def list_reservations(request: Request) -> Response:
    """Newest first, or the one with a reference (INV-017)."""
    rows = await request.services.queries.reservations(
        request.channel_id, request.values["reference"], cursor_of(request), request.values["limit"] + 1
    )
    now = request.call.now
    page = list_page(
        request, rows, lambda row: wire.render_reservation(row, now, request.uses), lambda row: row.id
    )
    return render(200, page)


async def get_reservation(request: Request) -> Response:
    """One hold, as it is now (INV-005)."""
    hold = await request.services.queries.reservation(request.channel_id, request.values["reservation_id"])
    if hold is None or hold.internal:
        raise ProtocolError("not_found")
    return render(200, wire.render_reservation(hold, request.call.now, request.uses))


async def extend_reservation(request: Request) -> Response:
    """Keep a hold longer (INV-008)."""
    call, hold_id = request.call, request.values["reservation_id"]
    ttl = request.body.get("ttl_seconds")
    return await write(
        request,
        200,
        lambda books: wire.render_reservation(
            rules.extend_reservation(books, call, hold_id, ttl), call.now, request.uses
        ),
    )


async def release_reservation(request: Request) -> Response:
    """Give a hold back; harmless when it is not active any more (INV-006, INV-007)."""
    call, hold_id = request.call, request.values["reservation_id"]
    hold = await request.services.writer.run(lambda books: rules.release_reservation(books, call, hold_id))
    return render(200, wire.render_reservation(hold, call.now, request.uses))
