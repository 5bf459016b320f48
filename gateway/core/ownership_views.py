"""What is owned as wire objects (spec/schemas/ownership.yaml): each channel sees its own side of it. See wire.py."""

from __future__ import annotations

from datetime import datetime

from gateway.core import wire
from gateway.core.model import Json
from gateway.core.model_ownership import Entitlement, Owned, OwnershipChange, Transfer
from gateway.core.wire import having


def render_entitlement(owned: Owned, now: datetime, logged: bool = False) -> Json:
    """The Entitlement for the channel of its owner. `logged`: with the salt of the log, which no event has (OLG-007).

    Price and order are of who bought it: a later owner sees neither.
    """
    one = owned.entitlement
    shown = having(
        render_entitlement_for(owned, now, one.account_id),
        order_id=one.order_id if one.period == 1 else None,
        delivery_id=one.delivery_id,
        transfer=render_transfer(owned.transfer, now) if owned.transfer else None,
    )
    if logged and one.leaf_hash is not None:
        shown["log"] = {"leaf_hash": wire.base64url(one.leaf_hash), "salt": wire.base64url(one.salt)}
    return shown


def render_entitlement_for(owned: Owned, now: datetime, buyer_id: str) -> Json:
    """The Entitlement for another channel that the owner lets see it, which knows her by this id (OWN-004)."""
    one = owned.entitlement
    past = one.expires_at is not None and one.expires_at <= now and one.status in ("active", "suspended")
    ended_at = one.expires_at if past else one.ended_at
    shown: Json = {
        "id": one.id,
        "revision": one.revision,
        "status": "expired" if past else one.status,
        "buyer_id": buyer_id,
        "product": one.product,
        "transferable": one.status == "active"
        and not past
        and one.transferable != "never"
        and one.transfer_id is None,
        "acquired_at": wire.timestamp(one.acquired_at),
        "origin": {"channel": owned.channel},
    }
    return having(
        shown,
        token=_render_token(one.asset) if one.asset else None,
        valid_until=wire.timestamp(one.expires_at) if one.expires_at else None,
        ended_at=wire.timestamp(ended_at) if ended_at else None,
    )


def _render_token(asset: str) -> Json:
    """The OwnedToken: a CAIP-19 id begins with the chain and ends in the number (TOK-004, TOK-008)."""
    return {"chain": asset.partition("/")[0], "asset": asset, "token_id": asset.rpartition("/")[2]}


def render_handed_on(one: Entitlement, change: OwnershipChange) -> Json:
    """The Entitlement for the channel of the buyer who has handed it on so: nothing of what came after (OWN-027)."""
    return {
        "id": one.id,
        "revision": change.revision,
        "status": "transferred",
        "buyer_id": change.from_account_id,
        "product": one.product,
        "transferable": False,
        "acquired_at": wire.timestamp(change.from_acquired_at or change.at),
        "ended_at": wire.timestamp(change.at),
    }


def render_transfer(offer: Transfer, now: datetime, code: str | None = None) -> Json:
    """The Transfer; `code` in the first answer only (OWN-026)."""
    past = offer.status == "offered" and offer.expires_at <= now
    ended_at = offer.expires_at if past else offer.ended_at
    shown: Json = {
        "id": offer.id,
        "revision": offer.revision,
        "entitlement_id": offer.entitlement_id,
        "status": "expired" if past else offer.status,
        "created_at": wire.timestamp(offer.created_at),
        "expires_at": wire.timestamp(offer.expires_at),
    }
    return having(shown, code=code, ended_at=wire.timestamp(ended_at) if ended_at else None)
