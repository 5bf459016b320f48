"""Operations: orders and payment."""

from __future__ import annotations

from gateway.core import orders as rules
from gateway.core import wire
from gateway.core.errors import ProtocolError
from gateway.http.pages import cursor_of, list_page
from gateway.http.render import render
from gateway.http.request import Request
from gateway.http.response import Response
from gateway.http.write import write


async def create_order(request: Request) -> Response:
    """Order from a hold or directly; paid orders are fulfilled in the same call (ORD-001)."""
    vault, call, seals = request.services.vault, request.call, request.services.settings.sealed_delivery
    command = rules.CreateOrder.from_wire(request.body, seals)
    return await write(
        request,
        201,
        lambda books: wire.render_order(rules.create_order(books, vault, call, command), request.uses),
        prepare=lambda books: rules.prepare_order(books, call, command),
    )


async def list_orders(request: Request) -> Response:
    """Newest first, or the one with a reference (ORD-020)."""
    rows = await request.services.queries.orders(
        request.channel_id, request.values["reference"], cursor_of(request), request.values["limit"] + 1
    )
    return render(
        200, list_page(request, rows, lambda row: wire.render_order(row, request.uses), lambda row: row.id)
    )


async def get_order(request: Request) -> Response:
    """One order."""
    order = await request.services.queries.order(request.channel_id, request.values["order_id"])
    if order is None:
        raise ProtocolError("not_found")
    return render(200, wire.render_order(order, request.uses))


async def confirm_payment(request: Request) -> Response:
    """The buyer has paid a pending order (ORD-013)."""
    services, call, body = request.services, request.call, request.body
    order_id = request.values["order_id"]
    return await write(
        request,
        200,
        lambda books: wire.render_order(
            rules.confirm_payment(books, services.vault, call, order_id, body), request.uses
        ),
    )


async def cancel_order(request: Request) -> Response:
    """Cancel an order that is not paid (ORD-017)."""
    call, order_id, reason = request.call, request.values["order_id"], request.body.get("reason")
    return await write(
        request,
        200,
        lambda books: wire.render_order(rules.cancel_order(books, call, order_id, reason), request.uses),
    )
