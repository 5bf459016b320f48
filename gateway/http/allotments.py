"""Operations: leases of stock, and reports of what was sold from them."""

from __future__ import annotations

from gateway.core import allotments as rules
from gateway.core import sales, wire
from gateway.core.errors import ProtocolError
from gateway.core.model import Json
from gateway.core.model_allotments import Allotment
from gateway.core.ports import Books
from gateway.http.leases import sign_lease
from gateway.http.pages import cursor_of, list_page
from gateway.http.problems import document
from gateway.http.render import render
from gateway.http.request import Request
from gateway.http.response import Response
from gateway.http.write import write


async def create_allotment(request: Request) -> Response:
    """Lease stock (ALT-001)."""
    call, command = request.call, rules.CreateAllotment.from_wire(request.body)
    return await write(
        request, 201, lambda books: _signed(request, rules.create_allotment(books, call, command))
    )


async def list_allotments(request: Request) -> Response:
    """Newest first, or those with a reference (ALT-008)."""
    rows = await request.services.queries.allotments(
        request.channel_id, request.values["reference"], cursor_of(request), request.values["limit"] + 1
    )
    now = request.call.now
    page = list_page(request, rows, lambda row: wire.render_allotment(row, now), lambda row: row.id)
    return render(200, page)


async def get_allotment(request: Request) -> Response:
    """One lease, as it is now, signed anew."""
    lease = await request.services.queries.allotment(request.channel_id, request.values["allotment_id"])
    if lease is None:
        raise ProtocolError("not_found")
    return render(200, _signed(request, lease))


async def report_sales(request: Request) -> Response:
    """Orders for what was sold; a result for each sale (ALT-009, ALT-012)."""
    services, call, allotment_id = request.services, request.call, request.values["allotment_id"]
    reported = [sales.Sale.from_wire(one, f"/sales/{n}") for n, one in enumerate(request.body["sales"])]

    def rule(books: Books) -> Json:
        lease, results = sales.report_sales(books, services.vault, call, allotment_id, reported)
        shown = [_result(request, one) for one in results]
        return {"allotment": _signed(request, lease), "results": shown}

    return await write(
        request, 200, rule, prepare=lambda books: sales.prepare_report(books, call, allotment_id, reported)
    )


async def release_allotment(request: Request) -> Response:
    """Give back what will not be sold (ALT-018)."""
    call, allotment_id = request.call, request.values["allotment_id"]
    given = request.body.get("quantity")
    quantity = None if given is None else int(given)
    return await write(
        request,
        200,
        lambda books: _signed(request, rules.release_allotment(books, call, allotment_id, quantity)),
    )


def _signed(request: Request, lease: Allotment) -> Json:
    now = request.call.now
    over = now >= lease.expires_at
    return wire.render_allotment(lease, now, None if over else sign_lease(request.services, lease))


def _result(request: Request, result: sales.Result) -> Json:
    shown: Json = {"reference": result.reference}
    if result.error is not None:
        return shown | {"status": "refused", "problem": document(result.error, request.exchange)}
    if result.order is None or result.order.allotment is None:
        raise LookupError("a sale was accepted without an order")
    taken_from = result.order.allotment["taken_from"]
    return shown | {"status": "accepted", "taken_from": taken_from, "order_id": result.order.id}
