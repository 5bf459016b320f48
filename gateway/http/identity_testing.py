"""Operations: test control of proofs, served in a sandbox only."""

from __future__ import annotations

from gateway.core import identity, mails, proofs
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
