"""What buyers own: one entitlement for each unit, from its delivery on (spec/text/ownership.md).

Every change is a step of the standard's table, a row of the history, an entry of the public log, the status of the
certificates that are out, and an event, all in the transaction of what caused it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from typing import Any

import spec
from gateway.core import events, identity, ownership_log, status_lists
from gateway.core.errors import ProtocolError, missing
from gateway.core.model import Call, Channel, Delivery, Offer, Order
from gateway.core.model_ownership import Entitlement, Owned, OwnershipChange, Transfer
from gateway.core.ports import Books, Vault
from gateway.core.rows import replace

OPEN = frozenset({"active", "suspended"})  # what can still expire
DAY = timedelta(days=1)
# the log knows no replacement: the owner and what she owns stay the same
CHANGE_OF = {
    "suspend": ownership_log.SUSPENDED,
    "resume": ownership_log.RESUMED,
    "consume": ownership_log.CONSUMED,
    "transfer": ownership_log.TRANSFERRED,
    "revoke": ownership_log.REVOKED,
    "expire": ownership_log.EXPIRED,
}


@cache
def table() -> dict[tuple[str, str], str]:
    """(status, event) to status, from spec/entitlement_transitions.yaml."""
    return dict(spec.entitlement_transitions().table)


def issue(
    books: Books, vault: Vault, call: Call, order: Order, offer: Offer, delivery: Delivery
) -> Entitlement:
    """What the order's buyer owns from this delivery on (OWN-001)."""
    account = identity.account_id(vault, order.channel_id, order.buyer["reference"])
    made = _new(books, order, offer, delivery, account)
    entry = ownership_log.append(
        books, call, made.id, ownership_log.ISSUED, ownership_log.commit_to(made.salt, account)
    )
    logged = replace(made, leaf_hash=entry.leaf_hash)
    books.put(logged)
    return logged


def adopt(books: Books, vault: Vault, delivery_id: str) -> bool:
    """The entitlement of a unit that was delivered before there were any; it is in the log from its next change on.

    False when there is nothing to do.
    """
    delivery = books.get(Delivery, delivery_id)
    if delivery is None or delivery.entitlement_id is not None or delivery.status == "voided":
        return False
    order = books.get(Order, delivery.order_id)
    line = next((one for one in order.lines if one["id"] == delivery.line_id), None) if order else None
    offer = books.get(Offer, line["offer_id"]) if line else None
    if order is None or offer is None:
        raise LookupError(f"delivery {delivery_id} has no order or no offer")
    account = identity.account_id(vault, order.channel_id, order.buyer["reference"])
    made = _new(books, order, offer, delivery, account)
    if delivery.reveal_count and made.transferable == "until_revealed":
        made = replace(made, transferable="never")
    status = "suspended" if order.status == "disputed" else made.status
    books.put(replace(made, status=status))
    books.put(replace(delivery, entitlement_id=made.id))
    return True


def own(books: Books, call: Call, entitlement_id: str) -> Entitlement:
    """The entitlement, locked, for the channel of its owner, which alone can change it (OWN-003).

    Raises ProtocolError `not_found`.
    """
    found = books.get(Entitlement, entitlement_id)
    if found is None or found.channel_id != call.channel_id:
        raise missing("entitlement_id")
    return now(books, call, found)


def active(books: Books, call: Call, entitlement_id: str) -> Entitlement:
    """As `own`, for what is done with an active one. Raises ProtocolError `entitlement_not_active` too."""
    found = own(books, call, entitlement_id)
    if found.status != "active":
        raise ProtocolError("entitlement_not_active", f"The entitlement is {found.status}.")
    return found


def now(books: Books, call: Call, entitlement: Entitlement) -> Entitlement:
    """From the instant on at which its time is over it is expired, swept or not (OWN-010)."""
    over = entitlement.expires_at is not None and entitlement.expires_at <= call.now
    return step(books, call, entitlement, "expire") if over and entitlement.status in OPEN else entitlement


def consume_entitlement(books: Books, call: Call, entitlement_id: str) -> Owned:
    """It is used up (OWN-009). Raises ProtocolError `not_found` or `entitlement_not_active`."""
    return shown(books, step(books, call, active(books, call, entitlement_id), "consume"))


def expire_entitlement(books: Books, call: Call, entitlement_id: str) -> bool:
    """End an entitlement whose time is over (OWN-010); False when there is nothing to do."""
    found = books.get(Entitlement, entitlement_id)
    return found is not None and now(books, call, found) is not found


def of_deliveries(books: Books, deliveries: Iterable[Delivery]) -> dict[str, Entitlement]:
    """What is owned by these deliveries, by their ids."""
    ids = {one.id: one.entitlement_id for one in deliveries if one.entitlement_id is not None}
    books.need(Entitlement, *((one,) for one in ids.values()))
    found = {delivery_id: books.get(Entitlement, one) for delivery_id, one in ids.items()}
    return {delivery_id: one for delivery_id, one in found.items() if one is not None}


def each(books: Books, call: Call, deliveries: Iterable[Delivery], event: str) -> None:
    """Let this happen to all entitlements of the deliveries to which it can (OWN-005 to OWN-007)."""
    for one in of_deliveries(books, deliveries).values():
        if (one.status, event) in table():
            step(books, call, one, event)


def handed_on(entitlement: Entitlement | None) -> bool:
    """Whether it is not the first owner's any more, here or on a chain."""
    return entitlement is not None and (entitlement.period > 1 or entitlement.status == "transferred")


def replaced(books: Books, call: Call, entitlement: Entitlement, delivery_id: str) -> Entitlement:
    """The same entitlement, now of another delivery (OWN-008)."""
    after = replace(entitlement, delivery_id=delivery_id, revision=entitlement.revision + 1)
    note(books, call, after, "replaced")
    return _told(books, call, after, "entitlement.updated")


def revealed(books: Books, call: Call, entitlement_id: str) -> None:
    """The good has been opened for the first time: some are not handed on any more (OWN-029)."""
    found = books.get(Entitlement, entitlement_id)
    if found is None or found.transferable != "until_revealed":
        return
    after = replace(close_offer(books, call, found, "cancelled"), transferable="never")
    _told(books, call, replace(after, revision=after.revision + 1), "entitlement.updated")


def step(books: Books, call: Call, entitlement: Entitlement, event: str) -> Entitlement:
    """The entitlement after this event, written down everywhere. What is offered of it is offered no more, unless it is
    only suspended. Raises ProtocolError `entitlement_not_active` for what the table does not have."""
    status = table().get((entitlement.status, event))
    if status is None:
        raise ProtocolError("entitlement_not_active", f"The entitlement is {entitlement.status}.")
    kept = entitlement if status in OPEN else close_offer(books, call, entitlement, "cancelled")
    ended_at = None if status in OPEN else call.now
    after = replace(kept, status=status, ended_at=ended_at, revision=kept.revision + 1)
    logged = log(books, call, after, CHANGE_OF[event])
    note(books, call, logged, CHANGE_OF[event])
    status_lists.show(books, logged)
    kind = "entitlement.revoked" if status == "revoked" else "entitlement.updated"
    return _told(books, call, logged, kind)


def log(books: Books, call: Call, entitlement: Entitlement, change: str) -> Entitlement:
    """The entitlement with its new entry in the public log (OLG-001)."""
    # an erased buyer's salts are forgotten: what is put in their place is too, or they would all have one
    salt = entitlement.salt if any(entitlement.salt) else secrets.token_bytes(ownership_log.SALT_BYTES)
    commitment = ownership_log.commit_to(salt, entitlement.account_id)
    entry = ownership_log.append(books, call, entitlement.id, change, commitment)
    return replace(entitlement, leaf_hash=entry.leaf_hash)


def note(
    books: Books, call: Call, after: Entitlement, change: str, before: Entitlement | None = None
) -> OwnershipChange:
    """Write a change into the history (OWN-012); `before` is what it was in the hands of another owner."""
    made = OwnershipChange(
        id=books.new_id("och"),
        entitlement_id=after.id,
        change=change,
        at=call.now,
        revision=after.revision,
        account_id=after.account_id,
        channel_id=after.channel_id,
        from_account_id=before.account_id if before else None,
        from_channel_id=before.channel_id if before else None,
        from_acquired_at=before.acquired_at if before else None,
    )
    books.put(made)
    return made


def close_offer(books: Books, call: Call, entitlement: Entitlement, status: str) -> Entitlement:
    """The entitlement without its open offer, which ends so."""
    if entitlement.transfer_id is None:
        return entitlement
    offer = books.get(Transfer, entitlement.transfer_id)
    if offer is not None:
        books.put(replace(offer, status=status, ended_at=call.now, revision=offer.revision + 1))
    return replace(entitlement, transfer_id=None)


def shown(books: Books, entitlement: Entitlement) -> Owned:
    """With what its owner's channel sees beside it."""
    channel = books.get(Channel, entitlement.channel_id)
    offer = books.get(Transfer, entitlement.transfer_id) if entitlement.transfer_id else None
    return Owned(entitlement, channel.name if channel else "", offer)


def told(books: Books, call: Call, entitlement: Entitlement) -> Entitlement:
    """Write it, and tell its owner's channel (OWN-011)."""
    return _told(books, call, entitlement, "entitlement.updated")


def _told(books: Books, call: Call, entitlement: Entitlement, kind: str) -> Entitlement:
    books.put(entitlement)
    events.entitlement_changed(books, call, shown(books, entitlement), kind)
    return entitlement


def _new(books: Books, order: Order, offer: Offer, delivery: Delivery, account: str) -> Entitlement:
    product: dict[str, Any] = offer.product
    days = product.get("valid_days")
    # only its buyer opens what is sealed, so that nobody else has anything of it (OWN-029)
    # and a token is handed on on its chain
    kept = order.recipient_key or offer.delivery_kind == "token"
    rule = "never" if kept else product.get("transferable", "always")
    return Entitlement(
        id=books.new_id("ent"),
        delivery_id=delivery.id,
        order_id=order.id,
        account_id=account,
        channel_id=order.channel_id,
        status="active",
        revision=1,
        period=1,
        product={"id": product["id"], "name": product["name"], "kind": product["category"]},
        transferable=rule,
        acquired_at=delivery.created_at,
        created_at=delivery.created_at,
        expires_at=delivery.created_at + days * DAY if days else None,
        ended_at=None,
        transfer_id=None,
        status_list_id=None,
        status_index=None,
        salt=secrets.token_bytes(ownership_log.SALT_BYTES),
        leaf_hash=None,
        asset=None,
    )
