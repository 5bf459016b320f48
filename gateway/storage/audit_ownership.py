"""Whether what buyers own is what was delivered: one owner for each unit, and nobody owns what was taken back."""

from __future__ import annotations

from sqlalchemy import and_, func, or_, select

from gateway.storage.engine.base import Engine
from gateway.storage.tables import (
    deliveries,
    entitlements,
    orders,
    ownership_changes,
    status_entries,
    transfers,
)

Wrong = tuple[str, str, int, int]
# Both name one another, and are of one order and of one channel.
_PAIR = and_(
    entitlements.c.delivery_id == deliveries.c.id,
    entitlements.c.id == deliveries.c.entitlement_id,
    entitlements.c.order_id == deliveries.c.order_id,
    entitlements.c.channel_id == deliveries.c.channel_id,
)
OWNERS = (
    select(deliveries.c.id, func.count(entitlements.c.id))
    .join(entitlements, and_(_PAIR, entitlements.c.status != "revoked"), isouter=True)
    .where(deliveries.c.status != "voided")
    .group_by(deliveries.c.id)
    .having(func.count(entitlements.c.id) != 1)
)
# What is revoked was delivered, and has been taken back. A token that has moved on its chain stays where it is.
TAKEN_BACK = (
    select(entitlements.c.id)
    .join(deliveries, _PAIR, isouter=True)
    .where(
        or_(
            deliveries.c.id.is_(None),
            and_(entitlements.c.status == "revoked", deliveries.c.status != "voided"),
            and_(
                entitlements.c.status != "revoked",
                entitlements.c.status != "transferred",
                deliveries.c.status == "voided",
            ),
        )
    )
)
DISPUTED = (
    select(entitlements.c.id)
    .join(orders, orders.c.id == entitlements.c.order_id)
    .where(
        or_(
            and_(entitlements.c.status == "suspended", orders.c.status != "disputed"),
            and_(entitlements.c.status == "active", orders.c.status == "disputed"),
        )
    )
)
PERIODS = (
    select(entitlements.c.id, entitlements.c.period, func.count(ownership_changes.c.id))
    .join(
        ownership_changes,
        and_(
            ownership_changes.c.entitlement_id == entitlements.c.id,
            ownership_changes.c.from_account_id.is_not(None),
        ),
        isouter=True,
    )
    .group_by(entitlements.c.id, entitlements.c.period)
    .having(func.count(ownership_changes.c.id) != entitlements.c.period - 1)
)
# What is offered is offered to one, by the lock on its entitlement.
OFFERED = (
    select(entitlements.c.id)
    .join(
        transfers,
        and_(transfers.c.entitlement_id == entitlements.c.id, transfers.c.status == "offered"),
        isouter=True,
    )
    .where(func.coalesce(entitlements.c.transfer_id, "") != func.coalesce(transfers.c.id, ""))
)
_STATUS = func.coalesce(status_entries.c.status, 0)
STATUSES = (
    select(entitlements.c.id)
    .join(
        status_entries,
        and_(
            status_entries.c.list_id == entitlements.c.status_list_id,
            status_entries.c.place == entitlements.c.status_index,
        ),
        isouter=True,
    )
    .where(entitlements.c.status_list_id.is_not(None))
    .where(
        or_(
            and_(entitlements.c.status == "active", _STATUS != 0),
            and_(entitlements.c.status == "suspended", _STATUS != 2),
            and_(entitlements.c.status != "active", entitlements.c.status != "suspended", _STATUS != 1),
        )
    )
)


async def misowned(engine: Engine) -> list[Wrong]:
    """(about what, what, as it should be, as it is), for each that is wrong."""
    found = [(row[0], "owners of the delivery", 1, int(row[1])) for row in await engine.scan(OWNERS)]
    for query, what in (
        (TAKEN_BACK, "entitlements that are revoked as their delivery is voided"),
        (DISPUTED, "entitlements that are suspended as their order is disputed"),
        (OFFERED, "open offers, by their entitlement"),
        (STATUSES, "certificates whose status is the entitlement's"),
    ):
        found += [(str(row[0]), what, 1, 0) for row in await engine.scan(query)]
    for entitlement_id, period, changes in await engine.scan(PERIODS):
        found.append(
            (entitlement_id, "owners of the entitlement, by its history", int(changes) + 1, int(period))
        )
    return found
