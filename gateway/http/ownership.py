"""Operations: what buyers own, its proof, and its way from one to another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from heapq import merge

from gateway.core import certificates as proofs
from gateway.core import ownership as rules
from gateway.core import ownership_views, transfers, wire
from gateway.core.errors import ProtocolError, missing
from gateway.core.model import Json
from gateway.core.model_identity import Account
from gateway.core.model_ownership import Entitlement, Owned, OwnershipChange
from gateway.core.privacy import DataUse
from gateway.http import status_lists
from gateway.http.certificates import examine, sign_certificate, status_place
from gateway.http.limits import PUBLIC
from gateway.http.pages import cursor_of, list_page, position_of
from gateway.http.render import cached, render
from gateway.http.request import Request
from gateway.http.response import Response
from gateway.http.write import write

PURPOSE, FIELD = "personalisation", "entitlement"  # by which one channel sees what a buyer owns by another


async def get_certificate_issuer(request: Request) -> Response:
    """Where the keys are, for verifiers that begin with the issuer."""
    services = request.services
    return cached({"issuer": services.tokens.issuer, "jwks_uri": f"{services.public_url}/vgcp/v1/oauth/jwks"})


async def list_entitlements(request: Request) -> Response:
    """Newest first, over all accounts of the buyer that this channel may look at (OWN-002, OWN-004).

    Of what she has handed on, only what she had here; once, also where she handed it to herself.
    """
    buyer_id, before = request.values["buyer_id"], cursor_of(request)
    wanted: int = request.values["limit"] + 1
    reads, seen = request.services.ownership, await _accounts(request, buyer_id)
    found = [await reads.entitlements(*one, one[0] == buyer_id, before, wanted) for one in seen]
    merged = merge(*found, key=lambda row: row.id, reverse=True)
    rows = list({row.id: row for row in merged}.values())[:wanted]
    shown = {row.id: await _view(request, row, buyer_id) for row in rows}
    if not rows and before is None and await reads.account(buyer_id, request.channel_id) is None:
        raise missing("buyer_id")
    return render(200, list_page(request, rows, lambda row: shown[row.id], lambda row: row.id))


async def get_entitlement(request: Request) -> Response:
    """One, as this channel may see it (OWN-003, OWN-027)."""
    found = await _visible(request)
    return render(200, await _view(request, found))


async def list_ownership_changes(request: Request) -> Response:
    """Oldest first; a former owner's channel sees no further than its end (OWN-012)."""
    found, after = await _visible(request), position_of(request)
    changes = await request.services.ownership.changes(found.id)
    if found.channel_id != request.channel_id:
        last = _handed_on_by(changes, request.channel_id)
        changes = [one for one in changes if last is None or one.revision <= last.revision]
    first = next((one for one in changes if one.from_account_id), None)
    begin = (first.from_account_id, first.from_channel_id) if first else (found.account_id, found.channel_id)
    issued = OwnershipChange(
        "", found.id, "issued", found.created_at, 1, begin[0] or "", begin[1] or "", None, None, None
    )
    # by revision: ids follow the clocks of several processes
    rows = [one for one in [issued, *changes] if one.revision > after]
    show = partial(_change, channel_id=request.channel_id)
    return render(200, list_page(request, rows, show, lambda row: str(row.revision)))


async def consume_entitlement(request: Request) -> Response:
    """It is used up (OWN-009)."""
    call, entitlement_id = request.call, request.values["entitlement_id"]
    request.uses.check(request.channel_id, FIELD)
    return await write(
        request,
        200,
        lambda books: ownership_views.render_entitlement(
            rules.consume_entitlement(books, call, entitlement_id), call.now, logged=True
        ),
    )


async def issue_certificate(request: Request) -> Response:
    """A proof for its owner to show (OWN-014). Kept sealed for a repeated request: who has it can show it."""
    services, call, entitlement_id = request.services, request.call, request.values["entitlement_id"]
    request.uses.check(request.channel_id, FIELD)
    key = proofs.accept_key(request.body.get("holder_key"))
    return await write(
        request,
        201,
        lambda books: sign_certificate(
            services, proofs.issue_certificate(books, services.vault, call, entitlement_id, key)
        ),
        goods=True,
    )


async def verify_certificate(request: Request) -> Response:
    """Whether it holds here and now (OWN-024, OWN-025)."""
    body, services, now = request.body, request.services, request.call.now
    found = examine(services, body["certificate"], body.get("nonce"), body.get("audience"), now)
    if found.claims is not None and not found.reasons:
        place = status_place(services, found.claims)
        status = await services.ownership.certificate_status(*place) if place else None
        wrong = {None: "status_unknown", 1: "revoked", 2: "suspended"}.get(status)
        found.reasons += [wrong] if wrong else []
    shown: Json = {
        "valid": not found.reasons,
        "reasons": found.reasons,
        "holder_proven": found.holder_proven,
    }
    return render(200, shown if found.claims is None else {**shown, "claims": found.claims})


async def get_status_list(request: Request) -> Response:
    """The list that certificates name, for everybody (OWN-020)."""
    services = request.services
    request.extra_headers = services.limiter.take(f"address {request.peer}", PUBLIC)
    token = await services.status_tokens.of(services, request.values["list_id"], request.call.now)
    return status_lists.answer(request, token)


async def create_transfer(request: Request) -> Response:
    """Offer it; the code is in this answer only (OWN-026)."""
    vault, call, entitlement_id = request.services.vault, request.call, request.values["entitlement_id"]
    life, code = request.body.get("expires_in"), transfers.new_code()
    seconds = None if life is None else int(life)
    return await write(
        request,
        201,
        lambda books: ownership_views.render_transfer(
            transfers.create_transfer(books, vault, call, entitlement_id, code, seconds), call.now, code
        ),
        goods=True,
    )


async def accept_transfer(request: Request) -> Response:
    """Become the owner (OWN-027)."""
    vault, call, body = request.services.vault, request.call, request.body
    request.uses.check(request.channel_id, FIELD)
    return await write(
        request,
        200,
        lambda books: ownership_views.render_entitlement(
            transfers.accept_transfer(books, vault, call, body["buyer_id"], body["code"]),
            call.now,
            logged=True,
        ),
        goods=True,
    )


async def decline_transfer(request: Request) -> Response:
    """Turn it down (OWN-031)."""
    vault, call, code = request.services.vault, request.call, request.body["code"]
    return await write(
        request,
        200,
        lambda books: ownership_views.render_transfer(
            transfers.decline_transfer(books, vault, call, code), call.now
        ),
    )


async def get_transfer(request: Request) -> Response:
    """One offer, for the channel that made it or answered it."""
    found = await request.services.ownership.transfer(request.values["transfer_id"])
    if found is None or request.channel_id not in (found.channel_id, found.to_channel_id):
        raise ProtocolError("not_found")
    return render(200, ownership_views.render_transfer(found, request.call.now))


async def cancel_transfer(request: Request) -> Response:
    """Take an offer back (OWN-031)."""
    call, transfer_id = request.call, request.values["transfer_id"]
    ended = await request.services.writer.run(
        lambda books: transfers.cancel_transfer(books, call, transfer_id)
    )
    return render(200, ownership_views.render_transfer(ended, call.now))


async def _accounts(request: Request, buyer_id: str) -> list[tuple[str, str]]:
    """The accounts of the buyer whose things this channel may see, each with its channel.

    She need not have been resolved ever.
    """
    request.uses.check(request.channel_id, FIELD)
    known = await request.services.ownership.accounts_with(buyer_id)
    mine = next((one for one in known if one.id == buyer_id), None)
    if mine is None or mine.channel_id != request.channel_id:
        return [(buyer_id, request.channel_id)]
    uses = await _uses(request, mine)
    return [(one.id, one.channel_id) for one in known if _allowed(uses, one, request.channel_id)]


async def _uses(request: Request, account: Account) -> DataUse:
    """What this channel may have of what the buyer did on others, read anew."""
    consents = await request.services.queries.consents(account.buyer_id)
    return DataUse(request.channel_id, request.call.now, consents, request.exchange.data_uses)


def _allowed(uses: DataUse, account: Account, channel_id: str) -> bool:
    """Her own channel has it for the contract; any other by her consent (OWN-004)."""
    own = account.channel_id == channel_id
    return own or uses.may(PURPOSE, FIELD, account.channel_id).allowed


async def _visible(request: Request) -> Entitlement:
    """The entitlement, if it is or was of a buyer of this channel, or she lets it see it. Raises `not_found`."""
    reads = request.services.ownership
    found = await reads.entitlement(request.values["entitlement_id"])
    if found is None:
        raise missing("entitlement_id")
    request.uses.check(request.channel_id, FIELD)
    if found.channel_id == request.channel_id:
        return found
    if _handed_on_by(await reads.changes(found.id), request.channel_id):
        return found
    if await _same_buyer(request, found) is not None:
        return found
    raise missing("entitlement_id")


async def _same_buyer(request: Request, found: Entitlement) -> str | None:
    """Under which id this channel knows the owner, who has it by another channel and lets this one see it."""
    accounts = await request.services.ownership.accounts_with(found.account_id)
    owner = next((one for one in accounts if one.id == found.account_id), None)
    here = next((one for one in accounts if one.channel_id == request.channel_id), None)
    if owner is None or here is None:
        return None
    return here.id if _allowed(await _uses(request, owner), owner, request.channel_id) else None


async def _view(request: Request, found: Entitlement, buyer_id: str | None = None) -> Json:
    """As the owner's channel sees it, as a former owner's, or as one that she lets see it."""
    services, now = request.services, request.call.now
    offer = await services.ownership.transfer(found.transfer_id) if found.transfer_id else None
    channel = await services.clients.find(found.channel_id)
    owned = Owned(found, channel.name if channel else "", offer)
    if found.channel_id == request.channel_id and buyer_id in (None, found.account_id):
        return ownership_views.render_entitlement(owned, now, logged=True)
    changes = await services.ownership.changes(found.id)
    gone = _handed_on_by(changes, request.channel_id, buyer_id)
    if gone is not None:
        return ownership_views.render_handed_on(found, gone)
    seen_as = buyer_id or await _same_buyer(request, found)
    return ownership_views.render_entitlement_for(owned, now, seen_as or "")


def _handed_on_by(
    changes: Sequence[OwnershipChange], channel_id: str, account_id: str | None = None
) -> OwnershipChange | None:
    """The last time that a buyer of this channel (this one) has handed it on."""
    given = [one for one in changes if one.from_channel_id == channel_id]
    return next((one for one in reversed(given) if account_id in (None, one.from_account_id)), None)


def _change(row: OwnershipChange, channel_id: str) -> Json:
    shown: Json = {"change": row.change, "at": wire.timestamp(row.at)}
    return {**shown, "owner_id": row.account_id} if row.channel_id == channel_id else shown
