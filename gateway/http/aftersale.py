"""Operations: refunds, replacements and disputes."""

from __future__ import annotations

from gateway.core import aftersale as rules
from gateway.core import wire
from gateway.core.errors import ProtocolError
from gateway.core.model import Json
from gateway.core.ports import Books
from gateway.http.pages import list_page, position_of
from gateway.http.render import render
from gateway.http.request import Request
from gateway.http.response import Response
from gateway.http.write import write


async def create_refund(request: Request) -> Response:
    """Goods back first, then the instruction for the money (ORD-025)."""
    call, order_id = request.call, request.values["order_id"]
    command = rules.CreateRefund.from_wire(request.body)
    return await write(request, 201, lambda books: rules.create_refund(books, call, order_id, command))


async def list_refunds(request: Request) -> Response:
    """The pull of what `order.updated` brings (ORD-030)."""
    order = await request.services.queries.order(request.channel_id, request.values["order_id"])
    begin = position_of(request)
    if order is None:
        raise ProtocolError("not_found")
    rows = list(enumerate(order.refunds, 1))[begin : begin + request.values["limit"] + 1]
    return render(200, list_page(request, rows, lambda row: row[1], lambda row: str(row[0])))


async def create_replacement(request: Request) -> Response:
    """Other goods in place of dead ones (ORD-032)."""
    vault, call, order_id = request.services.vault, request.call, request.values["order_id"]
    delivery_id, reason = request.body["delivery_id"], request.body["reason"]

    def rule(books: Books) -> Json:
        voided, made = rules.create_replacement(books, vault, call, order_id, delivery_id)
        shown = {"voided": wire.render_delivery(voided), "delivery": wire.render_delivery(made)}
        return {"order_id": order_id, "reason": reason, **shown}

    return await write(request, 201, rule)


async def create_dispute(request: Request) -> Response:
    """The payment is contested (ORD-034)."""
    call, order_id, body = request.call, request.values["order_id"], request.body
    request.uses.check(request.channel_id, "evidence")
    return await write(request, 201, lambda books: rules.create_dispute(books, call, order_id, body))
