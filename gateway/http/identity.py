"""Operations: who a buyer is, and the links that say so."""

from __future__ import annotations

from gateway.core import contacts, limits, link_kinds, wire_identity
from gateway.core import identity as rules
from gateway.core import links as link_rules
from gateway.core.errors import ProtocolError
from gateway.core.model import Json
from gateway.core.model_identity import Account, Link
from gateway.core.ports import Books
from gateway.http.credentials import party_of
from gateway.http.pages import cursor_of, list_page
from gateway.http.render import render
from gateway.http.request import Request
from gateway.http.response import Response
from gateway.http.write import write

MOST_LINKS = 500  # of an account that are looked at for what it has proved
# What a profile shows. Her limits are terms of what this channel sells her; a refused order tells the same.
SHOWN = ("profile", "contacts", "purchase_limits")


async def resolve_buyer(request: Request) -> Response:
    """The buyer whom this channel names so (IDN-001)."""
    vault, call, command = request.services.vault, request.call, rules.ResolveBuyer.from_wire(request.body)
    request.uses.check(request.channel_id, *SHOWN)
    account_id = rules.account_id(vault, call.channel_id, command.subject)
    # read beforehand: no sale has to wait for who only looks
    together = await request.services.queries.accounts(call.channel_id, account_id)
    subjects = limits.subjects(together) or (limits.subject_of(call.channel_id, command.subject),)
    counted = await request.services.queries.counted(call.channel_id, subjects)

    def rule(books: Books) -> Json:
        profile = rules.resolve_buyer(books, vault, call, command)
        return wire_identity.render_profile(profile, counted, call.now)

    return await write(request, 200, rule, goods=True)


async def get_buyer(request: Request) -> Response:
    """One account of a buyer."""
    account, together = await _own(request)
    request.uses.check(account.channel_id, *SHOWN)
    queries, vault = request.services.queries, request.services.vault
    known = await queries.contacts(account.id)
    links = await queries.links(account.id, request.call.now, None, MOST_LINKS) if known else []
    shown = contacts.shown(vault, known, links)
    counted = await queries.counted(account.channel_id, limits.subjects(together))
    profile = rules.Profile(account, rules.tier_of(together), together, shown)
    return render(200, wire_identity.render_profile(profile, counted, request.call.now))


async def create_link(request: Request) -> Response:
    """Begin a proof (IDN-013 to IDN-024). The answer may hold a code, a nonce or a ticket, so it is kept sealed."""
    request.uses.check(request.channel_id, "links")
    services, call, buyer_id = request.services, request.call, request.values["buyer_id"]
    party = party_of(services)
    command = link_kinds.CreateLink.from_wire(
        request.body, services.settings.mails, services.providers, party.usable
    )

    def rule(books: Books) -> Json:
        begun = link_rules.create_link(books, services.vault, call, buyer_id, command)
        url = party.page(begun.ticket) if begun.ticket else None
        return wire_identity.render_link(begun.link, call.now, begun.nonce, begun.code, url)

    return await write(request, 201, rule, goods=True)


async def list_links(request: Request) -> Response:
    """Newest first; what has ended is not there."""
    request.uses.check(request.channel_id, "links")
    account, _ = await _own(request)
    now, limit = request.call.now, request.values["limit"]
    rows = await request.services.queries.links(account.id, now, cursor_of(request), limit + 1)
    page = list_page(request, rows, lambda row: wire_identity.render_link(row, now), lambda row: row.id)
    return render(200, page)


async def confirm_link(request: Request) -> Response:
    """Take the proof (IDN-010, IDN-011, IDN-015 to IDN-018, IDN-030 to IDN-034)."""
    request.uses.check(request.channel_id, "links")
    vault, call = request.services.vault, request.call
    buyer_id, link_id, proof = request.values["buyer_id"], request.values["link_id"], await _proof(request)
    return await write(
        request,
        200,
        lambda books: _shown(request, link_rules.confirm_link(books, vault, call, buyer_id, link_id, proof)),
    )


async def redeem_link_code(request: Request) -> Response:
    """Join this account with the one on which the code was shown (IDN-012)."""
    request.uses.check(request.channel_id, "links")
    vault, call, buyer_id = request.services.vault, request.call, request.values["buyer_id"]
    code = request.body["code"]
    return await write(
        request,
        200,
        lambda books: _shown(request, link_rules.redeem_link_code(books, vault, call, buyer_id, code)),
    )


async def delete_link(request: Request) -> Response:
    """Undo a link; harmless when it has ended (IDN-042)."""
    request.uses.check(request.channel_id, "links")
    call, buyer_id, link_id = request.call, request.values["buyer_id"], request.values["link_id"]
    vault = request.services.vault
    link = await request.services.writer.run(
        lambda books: link_rules.delete_link(books, vault, call, buyer_id, link_id)
    )
    return render(200, wire_identity.render_link(link, call.now))


async def _own(request: Request) -> tuple[Account, list[Account]]:
    """The caller's account, and all of its buyer's."""
    buyer_id = request.values["buyer_id"]
    together = list(await request.services.queries.accounts(request.channel_id, buyer_id))
    if not together:
        raise ProtocolError("not_found")
    return next(one for one in together if one.id == buyer_id), together


async def _proof(request: Request) -> link_rules.Proof:
    """What was given. An id token is verified here, because its issuer's keys may have to be fetched."""
    token: str | None = request.body.get("id_token")
    if token is None:
        return link_rules.Proof(code=request.body.get("code"))
    link = await request.services.queries.link(request.values["buyer_id"], request.values["link_id"])
    providers = request.services.providers
    issuer = link.issuer if link else None
    claims = None
    if issuer is not None and providers.trusts(issuer):
        claims = await providers.verify(issuer, token)
    return link_rules.Proof(request.body.get("code"), token=True, claims=claims)


def _shown(request: Request, link: Link | ProtocolError) -> Json | ProtocolError:
    return link if isinstance(link, ProtocolError) else wire_identity.render_link(link, request.call.now)
