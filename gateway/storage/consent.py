"""Reads of what buyers decided, and of all that an export holds, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, bindparam, or_, select

from gateway.core import limits
from gateway.core.model import Delivery, Offer, Order, Reservation
from gateway.core.model_consent import Consent, ConsentRecord
from gateway.core.model_identity import Account
from gateway.core.model_limits import SaleCount
from gateway.core.model_ownership import Entitlement, OwnershipChange, Transfer
from gateway.storage.engine.base import Engine
from gateway.storage.several import filled, places
from gateway.storage.tables import (
    accounts,
    consent_records,
    consents,
    deliveries,
    entitlements,
    offers,
    orders,
    ownership_changes,
    reservations,
    sale_counts,
    transfers,
)

CHANNEL: Any = bindparam("channel_id")
SUBJECT: Any = bindparam("subject")
ACCOUNT: Any = bindparam("account_id")
AFTER: Any = bindparam("after")
LIMIT: Any = bindparam("limit")

CONSENTS = (
    select(consents)
    .join(accounts, accounts.c.id == consents.c.account_id)
    .where(accounts.c.buyer_id == bindparam("buyer_id"))
)
RECORDS = (
    select(consent_records)
    .where(
        consent_records.c.account_id == bindparam("account_id"),
        consent_records.c.receipt_id < bindparam("before"),
    )
    .order_by(consent_records.c.receipt_id.desc())
    .limit(LIMIT)
)
RECORDS_ABOUT = RECORDS.where(consent_records.c.purpose == bindparam("purpose"))
LAST = "zzzzzzzz"  # sorts after every id


def _of_buyer(table: Any, *conditions: Any) -> Select[Any]:
    """A page of a table's rows that have a buyer's name, in id order."""
    mine = select(table).where(table.c.channel_id == CHANNEL, table.c.buyer_reference == SUBJECT, *conditions)
    return mine.where(table.c.id > AFTER).order_by(table.c.id).limit(LIMIT)


ORDERS_OF = _of_buyer(orders)
HOLDS_OF = _of_buyer(reservations, ~reservations.c.internal)
# Deliveries go out order by order: some orders, by their index, then what was delivered for these, and then whose it is
# by now. Each by keys and by itself: joined, one plan that goes by old statistics reads the same rows a hundred times.
TOGETHER = 100
ORDER_OF = select(deliveries.c.order_id).where(deliveries.c.id == AFTER)
SOME_ORDERS = (
    select(orders.c.id)
    .where(
        orders.c.channel_id == CHANNEL,
        orders.c.buyer_reference == SUBJECT,
        orders.c.id >= bindparam("first"),
    )
    .order_by(orders.c.id)
    .limit(TOGETHER)
)
DELIVERIES_OF = (
    select(deliveries)
    .where(
        deliveries.c.order_id.in_(places("order", TOGETHER)),
        or_(deliveries.c.order_id > bindparam("first"), deliveries.c.id > AFTER),
    )
    .order_by(deliveries.c.order_id, deliveries.c.id)
    .limit(LIMIT)
)
OWNED_BY_OTHERS = select(entitlements.c.id).where(
    entitlements.c.id.in_(places("entitlement", TOGETHER)), entitlements.c.account_id != ACCOUNT
)
ENTITLEMENTS_OF = (
    select(entitlements)
    .where(entitlements.c.account_id == bindparam("account_id"), entitlements.c.id > AFTER)
    .order_by(entitlements.c.id)
    .limit(LIMIT)
)
HANDED_ON_BY = (
    select(ownership_changes)
    .where(ownership_changes.c.from_account_id == bindparam("account_id"), ownership_changes.c.id > AFTER)
    .order_by(ownership_changes.c.id)
    .limit(LIMIT)
)
TRANSFERS_OF = (
    select(transfers)
    .where(transfers.c.account_id == ACCOUNT, transfers.c.id > AFTER)
    .order_by(transfers.c.id)
    .limit(LIMIT)
)
COUNTS_OF = (
    select(sale_counts)
    .where(
        sale_counts.c.subject == SUBJECT,
        sale_counts.c.product_id > AFTER,
        sale_counts.c.scope == "buyer",
        sale_counts.c.quantity > 0,
    )
    .order_by(sale_counts.c.product_id)
    .limit(LIMIT)
)
# whether they are on sale or not: a limit that is put back looks at what was bought before
LIMITED_OFFERS = (
    select(offers)
    .where(
        offers.c.product_id.in_(
            select(sale_counts.c.product_id).where(
                sale_counts.c.subject == SUBJECT,
                sale_counts.c.product_id >= bindparam("first"),
                sale_counts.c.product_id <= bindparam("last"),
                sale_counts.c.quantity > 0,
            )
        ),
        or_(offers.c.channel_id.is_(None), offers.c.channel_id == CHANNEL),
    )
    .order_by(offers.c.id)
)


class ConsentQueries:
    """Part of the queries port."""

    _engine: Engine

    async def consents(self, buyer_id: str) -> Sequence[Consent]:
        """What was decided on all accounts of a buyer."""
        return await self._engine.rows(Consent, CONSENTS, {"buyer_id": buyer_id})

    async def consent_records(
        self, account_id: str, purpose: str | None, before: str | None, limit: int
    ) -> Sequence[ConsentRecord]:
        """Decisions that were made on an account, newest first, ids below `before`; all, or about one purpose."""
        given = {"account_id": account_id, "before": before or LAST, "limit": limit}
        if purpose is None:
            return await self._engine.rows(ConsentRecord, RECORDS, given)
        return await self._engine.rows(ConsentRecord, RECORDS_ABOUT, {**given, "purpose": purpose})

    async def orders_of(self, account: Account, after: str, limit: int) -> Sequence[Order]:
        """A buyer's orders on a channel, ids above `after`."""
        return await self._engine.rows(Order, ORDERS_OF, _named(account, after, limit))

    async def holds_of(self, account: Account, after: str, limit: int) -> Sequence[Reservation]:
        """Her holds, but for those that orders made."""
        return await self._engine.rows(Reservation, HOLDS_OF, _named(account, after, limit))

    async def deliveries_of(self, account: Account, after: str, limit: int) -> Sequence[Delivery]:
        """Her deliveries, order by order, those that come after the one with the id `after`."""
        found = await self._engine.read(ORDER_OF, {"after": after})
        given = {**_named(account, after, limit), "first": found[0][0] if found else ""}
        while some := [key for (key,) in await self._engine.read(SOME_ORDERS, given)]:
            wanted = given | filled("order", TOGETHER, some)
            rows = await self._engine.rows(Delivery, DELIVERIES_OF, wanted)
            if hers := await self._hers(account, rows):
                return hers
            if len(rows) == limit:  # all of these are another's by now
                given |= {"first": rows[-1].order_id, "after": rows[-1].id}
            elif len(some) == TOGETHER:
                given |= {"first": some[-1], "after": LAST}
            else:
                break
        return []

    async def _hers(self, account: Account, rows: Sequence[Delivery]) -> list[Delivery]:
        """Without what is another's by now: when that is opened is not hers to know."""
        owned = [one.entitlement_id for one in rows if one.entitlement_id is not None]
        gone: set[str] = set()
        for start in range(0, len(owned), TOGETHER):
            asked = filled("entitlement", TOGETHER, owned[start : start + TOGETHER])
            found = await self._engine.read(OWNED_BY_OTHERS, {**asked, "account_id": account.id})
            gone |= {key for (key,) in found}
        return [one for one in rows if one.entitlement_id not in gone]

    async def entitlements_of(self, account: Account, after: str, limit: int) -> Sequence[Entitlement]:
        """What she owns by this account."""
        given = {"account_id": account.id, "after": after, "limit": limit}
        return await self._engine.rows(Entitlement, ENTITLEMENTS_OF, given)

    async def handed_on_by(self, account: Account, after: str, limit: int) -> Sequence[OwnershipChange]:
        """What she has handed on by it."""
        given = {"account_id": account.id, "after": after, "limit": limit}
        return await self._engine.rows(OwnershipChange, HANDED_ON_BY, given)

    async def transfers_of(self, account: Account, after: str, limit: int) -> Sequence[Transfer]:
        """What she has offered by it to hand on, whatever came of it."""
        given = {"account_id": account.id, "after": after, "limit": limit}
        return await self._engine.rows(Transfer, TRANSFERS_OF, given)

    async def counts_of(self, account: Account, after: str, limit: int) -> Sequence[SaleCount]:
        """What of her purchases was counted toward limits, by product."""
        subject = limits.subject_of(account.channel_id, account.subject)
        given = {"subject": subject, "after": after, "limit": limit}
        return await self._engine.rows(SaleCount, COUNTS_OF, given)

    async def limited_offers(self, account: Account, first: str, last: str) -> Sequence[Offer]:
        """What her channel has (had) of these products of which something of hers counts, from `first` to `last`."""
        subject = limits.subject_of(account.channel_id, account.subject)
        given = {"subject": subject, "channel_id": account.channel_id, "first": first, "last": last}
        return await self._engine.rows(Offer, LIMITED_OFFERS, given)


def _named(account: Account, after: str, limit: int) -> dict[str, Any]:
    return {"channel_id": account.channel_id, "subject": account.subject, "after": after, "limit": limit}
