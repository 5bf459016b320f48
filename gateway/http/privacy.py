"""What a request may show of a buyer, read from the books for this one request, and receipts of what she decided."""

from __future__ import annotations

from collections.abc import Sequence

from joserfc import jwt

from gateway.core import consent as rules
from gateway.core import merging, receipts
from gateway.core.erasure import FRESH
from gateway.core.errors import FieldError, ProtocolError, missing
from gateway.core.model import Json
from gateway.core.model_consent import Consent
from gateway.core.model_identity import Account
from gateway.core.privacy import DataUse
from gateway.http.jose import OWN, own_registry
from gateway.http.request import Request

RECEIPT = "vgcp-consent+jwt"
PROVE = "Confirm anew what links this account with her others, and name that link within 15 minutes."


async def data_use(request: Request) -> tuple[Account, DataUse]:
    """The buyer of the path as this channel knows her, and what it may have of her data now.

    Read anew for each request. Raises ProtocolError `not_found`.
    """
    queries, buyer_id = request.services.queries, request.values["buyer_id"]
    accounts = await queries.accounts(request.channel_id, buyer_id)
    account = next((one for one in accounts if one.id == buyer_id), None)
    if account is None:
        raise missing("buyer_id")
    consents = await queries.consents(account.buyer_id)
    asked = request.exchange.data_uses
    return account, DataUse(request.channel_id, request.call.now, consents, asked)


async def check_proof(request: Request, account: Account, together: Sequence[Account]) -> set[str]:
    """Ids of those of her accounts for which she has proved lately who she is; none without a proof.

    Raises ProtocolError `proof_required` for a proof that is none.
    """
    link_id = request.values["proof"]
    if link_id is None:
        return set()
    links = await request.services.queries.all_links(account.id)
    since = request.call.now - FRESH
    if not any(
        (one.id, one.account_id, one.status) == (link_id, account.id, "confirmed")
        and one.confirmed_at is not None
        and one.confirmed_at >= since
        for one in links
    ):
        raise ProtocolError("proof_required", PROVE, FieldError("query", PROVE, name="proof"))
    return merging.proved(account, together, links, since)


async def channel_name(request: Request) -> str:
    """What the channel that asks is called."""
    client = await request.services.clients.find(request.channel_id)
    return client.name if client else request.channel_id


def receipt(request: Request, consent: Consent, channel: str) -> Json:
    """The ConsentReceipt of a decision, signed now: what a retired key has signed, nobody could verify."""
    services = request.services
    record_id = rules.consent_id(services.vault, consent.account_id, consent.purpose)
    claims = receipts.claims(consent, record_id, services.tokens.issuer, services.settings.name, channel)
    header = {"alg": OWN, "typ": RECEIPT, "kid": services.keys.kid}
    return {
        **receipts.render_receipt(consent, channel),
        "receipt": jwt.encode(header, claims, services.keys.signing, registry=own_registry),
    }
