"""Operations: what the gateway's page asks a browser, and what it makes of its answer. Who has the ticket may call."""

from __future__ import annotations

import asyncio

from gateway.core import passkeys as rules
from gateway.core import proofs, wire
from gateway.core.errors import ProtocolError
from gateway.core.identity import not_open
from gateway.core.model import Channel
from gateway.core.model_identity import Link
from gateway.http.credentials import party_of, verified
from gateway.http.limits import PUBLIC
from gateway.http.render import render
from gateway.http.request import Request
from gateway.http.response import Response


async def begin_passkey(request: Request) -> Response:
    """The options of both ceremonies, for one challenge; the same whenever it is asked (PSK-004)."""
    services, ticket = request.services, request.body["ticket"]
    link, channel = await _asked(request, ticket)
    party, vault, name = party_of(services), services.vault, services.settings.name
    challenge, handle = rules.challenge(vault, ticket), rules.user_handle(vault, ticket)
    user = f"{name}, {link.created_at:%Y-%m-%d}"  # she may come to have several, and this is all that tells them apart
    shown = {
        "channel": channel.name,
        "expires_at": wire.timestamp(link.expires_at),
        "request": party.request(challenge),
        "creation": party.creation(challenge, handle, name, user),
    }
    return _private(render(200, shown))


async def finish_passkey(request: Request) -> Response:
    """The code, for a credential that holds (PSK-002, PSK-004 to PSK-012)."""
    services, call, ticket = request.services, request.call, request.body["ticket"]
    credential = request.body["credential"]
    _, channel = await _asked(request, ticket)
    party, vault = party_of(services), services.vault
    key = rules.identifier_id(vault, party.id, credential["id"])
    known = rules.known(vault, await services.queries.identifier(key))
    passkey = await asyncio.to_thread(verified, party, rules.challenge(vault, ticket), credential, known)
    code = await services.writer.run(
        lambda books: rules.finish_passkey(books, vault, call, ticket, party.id, passkey)
    )
    if isinstance(code, ProtocolError):
        raise code
    return _private(render(200, {"channel": channel.name, "code": code}))


async def _asked(request: Request, ticket: str) -> tuple[Link, Channel]:
    """The link that a ticket stands for, and who has asked. Raises ProtocolError `link_expired` (PSK-010)."""
    services = request.services
    request.extra_headers = services.limiter.take(f"address {request.peer}", PUBLIC)
    found = await services.queries.link_by(proofs.ticket_hash(services.vault, ticket))
    link = rules.check_asked(request.call, found[0] if found else None)
    channel = await services.clients.find(found[1]) if found else None
    if channel is None or not channel.active:
        raise not_open()
    return link, channel


def _private(response: Response) -> Response:
    response.headers.append((b"cache-control", b"no-store"))
    return response
