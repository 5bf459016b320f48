"""What one buyer offers and another accepts, on whatever channel (spec/text/ownership.md)."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime, timedelta

from gateway.core import events, goods, ownership, ownership_log, status_lists
from gateway.core.errors import ProtocolError, missing, refuse
from gateway.core.model import Call, Delivery
from gateway.core.model_identity import Account
from gateway.core.model_ownership import Entitlement, Owned, Transfer
from gateway.core.ports import Books, Vault
from gateway.core.rows import replace

DEFAULT_LIFE = 7 * 86_400  # seconds


def new_code() -> str:
    """What the recipient enters: 125 bits. Drawn before the rule, which may run more than once."""
    return goods.new_key()


def transfer_id(vault: Vault, code: str) -> str:
    """The offer's id is its code's keyed hash: it is found by the code, and the code is kept nowhere."""
    plain = code.strip().upper().replace("-", "")
    return "trf_" + base64.b32encode(vault.fingerprint(f"transfer {plain}".encode())[:20]).decode().lower()


def create_transfer(
    books: Books, vault: Vault, call: Call, entitlement_id: str, code: str, expires_in: int | None = None
) -> Transfer:
    """Offer an entitlement to whoever has the code.

    Raises ProtocolError `not_found`, `transfer_open` (OWN-030) or `transfer_not_allowed` (OWN-029).
    """
    owned = _without_late_offer(books, call, ownership.own(books, call, entitlement_id))
    if owned.transfer_id is not None:
        raise ProtocolError("transfer_open", "Cancel the open offer first.")
    _check(books, owned)
    offer = Transfer(
        id=transfer_id(vault, code),
        entitlement_id=owned.id,
        account_id=owned.account_id,
        channel_id=owned.channel_id,
        status="offered",
        revision=1,
        created_at=call.now,
        expires_at=call.now + timedelta(seconds=expires_in or DEFAULT_LIFE),
        ended_at=None,
        to_channel_id=None,
    )
    books.put(offer)
    ownership.told(books, call, replace(owned, transfer_id=offer.id, revision=owned.revision + 1))
    return offer


def accept_transfer(books: Books, vault: Vault, call: Call, buyer_id: str, code: str) -> Owned:
    """Make the recipient the owner, with all that goes with it (OWN-027, OWN-032, OWN-033).

    Raises ProtocolError `not_found`, `transfer_not_open` (OWN-028, OWN-031) or `transfer_not_allowed`.
    """
    books.need(Account, (buyer_id,))
    offer, before = _offered(books, vault, call, code)
    recipient = books.get(Account, buyer_id)
    if recipient is None or recipient.channel_id != call.channel_id:
        raise refuse("not_found", "/buyer_id", "The channel has no such buyer.")
    if recipient.id == before.account_id:
        raise refuse("transfer_not_allowed", "/buyer_id", "It is hers already.")
    _check(books, before)
    books.put(_ended(offer, call, "accepted"))
    after = _handed_over(books, call, before, recipient)
    delivery = books.get(Delivery, before.delivery_id)
    if delivery is not None:
        books.put(replace(delivery, channel_id=recipient.channel_id))
    change = ownership.note(books, call, after, ownership_log.TRANSFERRED, before)
    events.entitlement_transferred(books, call, ownership.shown(books, after), before, change)
    return ownership.shown(books, after)


def decline_transfer(books: Books, vault: Vault, call: Call, code: str) -> Transfer:
    """Turn an offer down (OWN-031). Raises ProtocolError `not_found` or `transfer_not_open`."""
    offer, owned = _offered(books, vault, call, code)
    return _end(books, call, offer, owned, "declined")


def cancel_transfer(books: Books, call: Call, offer_id: str) -> Transfer:
    """Take an offer back; one that has ended stays as it is. Raises ProtocolError `not_found`."""
    offer = books.get(Transfer, offer_id)
    if offer is None or offer.channel_id != call.channel_id:
        raise missing("transfer_id")
    owned = books.get(Entitlement, offer.entitlement_id)
    if owned is None or offer.status != "offered":
        return offer
    return _end(books, call, offer, owned, "expired" if late(offer, call.now) else "cancelled")


def expire_transfer(books: Books, call: Call, offer_id: str) -> bool:
    """End an offer that nobody answered in time; False when there is nothing to do."""
    offer = books.get(Transfer, offer_id)
    owned = books.get(Entitlement, offer.entitlement_id) if offer else None
    if offer is None or owned is None or offer.status != "offered" or not late(offer, call.now):
        return False
    _end(books, call, offer, owned, "expired")
    return True


def late(offer: Transfer, now: datetime) -> bool:
    """Whether its time is over; at the very instant it is."""
    return offer.expires_at <= now


def _offered(books: Books, vault: Vault, call: Call, code: str) -> tuple[Transfer, Entitlement]:
    """The open offer with this code, and what it is about, both locked."""
    offer = books.get(Transfer, transfer_id(vault, code))
    owned = books.get(Entitlement, offer.entitlement_id) if offer else None
    if offer is None or owned is None:
        raise refuse("not_found", "/code", "There is no such code.")
    status = "expired" if offer.status == "offered" and late(offer, call.now) else offer.status
    if status != "offered" or owned.transfer_id != offer.id:
        raise refuse("transfer_not_open", "/code", f"The offer is {status}.")
    return offer, ownership.now(books, call, owned)


def _check(books: Books, owned: Entitlement) -> None:
    if owned.status != "active":
        raise ProtocolError("transfer_not_allowed", f"The entitlement is {owned.status}.")
    if owned.transferable == "never":
        raise ProtocolError(
            "transfer_not_allowed", "The product is not handed on, or not once it is revealed."
        )


def _handed_over(books: Books, call: Call, before: Entitlement, recipient: Account) -> Entitlement:
    """The recipient's from now on: a new period, with a salt and a place in the status lists of its own."""
    status_lists.void(books, before)
    after = replace(
        before,
        account_id=recipient.id,
        channel_id=recipient.channel_id,
        revision=before.revision + 1,
        period=before.period + 1,
        acquired_at=call.now,
        transfer_id=None,
        status_list_id=None,
        status_index=None,
        salt=secrets.token_bytes(ownership_log.SALT_BYTES),
    )
    logged = ownership.log(books, call, after, ownership_log.TRANSFERRED)
    books.put(logged)
    return logged


def _without_late_offer(books: Books, call: Call, owned: Entitlement) -> Entitlement:
    offer = books.get(Transfer, owned.transfer_id) if owned.transfer_id else None
    if offer is None or not late(offer, call.now):
        return owned
    return ownership.close_offer(books, call, owned, "expired")


def _end(books: Books, call: Call, offer: Transfer, owned: Entitlement, status: str) -> Transfer:
    """Close an offer; what was offered stays with its owner."""
    ended = _ended(offer, call, status)
    books.put(ended)
    ownership.told(books, call, replace(owned, transfer_id=None, revision=owned.revision + 1))
    return ended


def _ended(offer: Transfer, call: Call, status: str) -> Transfer:
    to = call.channel_id if status in ("accepted", "declined") else None
    return replace(offer, status=status, ended_at=call.now, revision=offer.revision + 1, to_channel_id=to)
