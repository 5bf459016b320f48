"""More values to wire objects (see wire.py): buyers and their links, of spec/schemas/identity.yaml."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from gateway.core import allowances
from gateway.core.model import Json
from gateway.core.model_identity import Account, Link
from gateway.core.model_limits import Counted
from gateway.core.wire import having, timestamp

if TYPE_CHECKING:
    from gateway.core.identity import Profile


def render_account(account: Account, tier: str, linked: bool) -> Json:
    """The BuyerProfile without contacts, as events have it."""
    wire: Json = {
        "id": account.id,
        "subject": account.subject,
        "tier": tier,
        "revision": account.revision,
        "linked": linked,
        "created_at": timestamp(account.created_at),
    }
    return wire if account.locale is None else {**wire, "locale": account.locale}


def render_profile(profile: Profile, counted: Counted, now: datetime) -> Json:
    """The BuyerProfile: of one account, and nothing of others but that there are some, and what of a limit is left."""
    wire = render_account(profile.account, profile.tier, len(profile.together) > 1)
    left = allowances.shown(counted, profile.together, profile.tier, now)
    return having(wire, contacts=profile.contacts or None, purchase_limits=left or None)


def render_link(
    link: Link, now: datetime, nonce: str | None = None, code: str | None = None, url: str | None = None
) -> Json:
    """The Link as it is at `now`: from the instant of `expires_at` on, what was not proved has ended.

    `nonce`, `code` and `url` are shown once, when it is made.
    """
    past = link.status == "pending" and link.expires_at <= now
    wire: Json = {
        "id": link.id,
        "kind": link.kind,
        "status": "ended" if past else link.status,
        "revision": link.revision,
        "created_at": timestamp(link.created_at),
        "expires_at": timestamp(link.expires_at),
    }
    if link.confirmed_at is not None:
        wire["confirmed_at"] = timestamp(link.confirmed_at)
    if nonce is not None:
        wire["challenge"] = {"nonce": nonce}
    if url is not None:
        wire["passkey"] = {"url": url}
    return wire if code is None else {**wire, "link_code": {"code": code}}
