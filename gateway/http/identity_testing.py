"""Operations: test control of proofs, served in a sandbox only."""

from __future__ import annotations

from gateway.core import identity, mails, proofs, wire
from gateway.http.render import render
from gateway.http.request import Request
from gateway.http.response import Response


async def test_read_mail(request: Request) -> Response:
    """What the sandbox has mailed to an address, as long as its codes are good."""
    services = request.services
    to = proofs.identifier_id(services.vault, "email", request.body["email"])
    name = services.settings.name
    found = [mails.compose(services.vault, row, name) for row in await services.queries.mails(to)]
    shown = [{"subject": one.subject, "text": one.text, "code": one.code} for one in found if one is not None]
    return render(200, {"mails": shown})


async def test_list_buyer_changes(request: Request) -> Response:
    """What has joined and split the buyers of an account (IDN-048), oldest first."""
    found = await request.services.queries.buyer_changes(request.values["buyer_id"])
    shown = [
        {
            "change": one.kind,
            "at": wire.timestamp(one.at),
            "trace_id": one.trace_id,
            "accounts": sorted({name for part in (*one.before, *one.after) for name in part}),
        }
        for one in found
        if one.kind in ("joined", "split")
    ]
    return render(200, {"items": shown})


async def test_trust_issuer(request: Request) -> Response:
    """Trust an issuer until the next reset."""
    body = request.body
    request.services.providers.trust(body["issuer"], body["audience"], body["jwks"])
    return Response(204)


async def test_set_tier(request: Request) -> Response:
    """Set a buyer's tier as the merchant would."""
    call, buyer_id, tier = request.call, request.values["buyer_id"], request.body["tier"]
    await request.services.writer.run(lambda books: identity.set_tier(books, call, buyer_id, tier))
    return Response(204)
