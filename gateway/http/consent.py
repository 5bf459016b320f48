"""Operations: what a buyer allows, and who uses her data. Export and erasure: see data.py."""

from __future__ import annotations

from gateway.core import consent as rules
from gateway.core import privacy
from gateway.core.model import Json
from gateway.core.model_consent import Consent
from gateway.core.model_identity import Account
from gateway.http.pages import cursor_of, list_page
from gateway.http.privacy import channel_name, data_use, receipt
from gateway.http.render import render
from gateway.http.request import Request
from gateway.http.response import Response


async def list_consents(request: Request) -> Response:
    """What counts for each purpose (CNS-001)."""
    account, uses = await data_use(request)
    after = cursor_of(request) or ""
    uses.check(account.channel_id, "consent")
    purposes = [one for one in privacy.BASES if one > after][: request.values["limit"] + 1]
    page = list_page(request, purposes, lambda one: _shown(request, account, uses, one), lambda one: one)
    return render(200, page)


async def get_consent(request: Request) -> Response:
    """What counts for a purpose, with the receipt if it was decided on this channel."""
    purpose = request.values["purpose"]
    rules.check_purpose(purpose)
    account, uses = await data_use(request)
    uses.check(account.channel_id, "consent")
    shown = _shown(request, account, uses, purpose)
    standing = privacy.newest(uses.consents, purpose)
    return render(200, await _with_receipt(request, account, shown, standing))


async def set_consent(request: Request) -> Response:
    """What she decides, from the answer on, on all channels (CNS-002, CNS-015)."""
    services, call, buyer_id = request.services, request.call, request.values["buyer_id"]
    command = rules.SetConsent.from_wire(request.values["purpose"], request.body)
    standing = await services.writer.run(
        lambda books: rules.set_consent(books, services.vault, call, buyer_id, command)
    )
    account, uses = await data_use(request)
    uses.check(account.channel_id, "consent")
    shown = rules.render_consent(services.vault, account, command.purpose, standing, call.now)
    return render(200, await _with_receipt(request, account, shown, standing))


async def list_receipts(request: Request) -> Response:
    """Every decision that was made here, newest first (CNS-013)."""
    purpose = request.values["purpose"]
    rules.check_purpose(purpose)
    account, uses = await data_use(request)
    uses.check(account.channel_id, "consent")
    found = await request.services.queries.consent_records(
        account.id, purpose, cursor_of(request), request.values["limit"] + 1
    )
    channel = await channel_name(request)
    page = list_page(
        request, found, lambda one: receipt(request, one, channel), lambda one: str(one.receipt_id)
    )
    return render(200, page)


async def list_data_uses(request: Request) -> Response:
    """What this channel may use her data for now, and why (CNS-016)."""
    account, uses = await data_use(request)
    others = await request.services.queries.accounts(account.channel_id, account.id)
    uses.check(account.channel_id, "consent")
    elsewhere = sorted({one.channel_id for one in others} - {request.channel_id})
    found = [(f"{use['purpose']}/{use['origin']}", use) for use in rules.render_uses(uses, elsewhere)]
    after = cursor_of(request) or ""
    rows = sorted(one for one in found if one[0] > after)[: request.values["limit"] + 1]
    return render(200, list_page(request, rows, lambda one: one[1], lambda one: one[0]))


def _shown(request: Request, account: Account, uses: privacy.DataUse, purpose: str) -> Json:
    standing = privacy.newest(uses.consents, purpose)
    return rules.render_consent(request.services.vault, account, purpose, standing, request.call.now)


async def _with_receipt(request: Request, account: Account, shown: Json, standing: Consent | None) -> Json:
    if standing is None or standing.account_id != account.id:
        return shown
    return {**shown, "receipt": receipt(request, standing, await channel_name(request))["receipt"]}
