"""What an erasure has still to do, and what it deletes; and what has been kept for as long as it may be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import bindparam, delete, func, or_, select, text, update

from gateway.core import erasure as rules
from gateway.core import limits
from gateway.core.model import Event
from gateway.core.model_consent import Erasure
from gateway.core.ownership_log import SALT_BYTES
from gateway.storage import personal_events
from gateway.storage.engine.base import Conflict, Engine, Transaction
from gateway.storage.named import NAMED_HOLDS, NAMED_ORDERS
from gateway.storage.tables import (
    account_names,
    accounts,
    consent_records,
    consents,
    contacts,
    entitlements,
    erasures,
    hold_counts,
    identifiers,
    link_codes,
    links,
    mails,
    orders,
    ownership_changes,
    reservations,
    sale_counts,
    transfers,
)

ATTEMPTS = 6
CHANNEL: Any = bindparam("channel_id")
SUBJECT: Any = bindparam("subject")
ACCOUNT: Any = bindparam("account_id")
AT: Any = bindparam("at")
LIMIT: Any = bindparam("limit")
BEFORE: Any = bindparam("before")

# written out: a list of values would be bound anew at each compilation
_LIST = ", ".join(f"'{status}'" for status in sorted(rules.UNDER_WAY))
_UNDER_WAY, _SETTLED = text(f"orders.status IN ({_LIST})"), text(f"orders.status NOT IN ({_LIST})")
_ORDERS = (orders.c.channel_id == CHANNEL, orders.c.buyer_reference == SUBJECT)
_HOLDS = (reservations.c.channel_id == CHANNEL, reservations.c.buyer_reference == SUBJECT)
UNDER_WAY = select(func.count()).select_from(orders).where(*_ORDERS, _UNDER_WAY)
HELD = select(reservations.c.id).where(*_HOLDS, reservations.c.status == "active", ~reservations.c.internal)
ORDERS = (
    select(orders.c.id)
    .where(*_ORDERS, _SETTLED, orders.c.created_at <= AT)
    .order_by(orders.c.id)
    .limit(LIMIT)
)
HOLDS = (
    select(reservations.c.id)
    .where(*_HOLDS, reservations.c.status != "active", reservations.c.created_at <= AT)
    .order_by(reservations.c.id)
    .limit(LIMIT)
)
# What names her and cannot be forgotten yet: it came under way while she was being erased.
LEFT = (
    select(orders.c.id).where(*_ORDERS, orders.c.created_at <= AT).limit(1),
    select(reservations.c.id).where(*_HOLDS, reservations.c.created_at <= AT).limit(1),
)
OPEN = select(erasures).where(text("done_at IS NULL")).order_by(erasures.c.id)
LAST = (
    select(erasures)
    .where(erasures.c.account_id == ACCOUNT, erasures.c.channel_id == CHANNEL)
    .order_by(erasures.c.id.desc())
    .limit(1)
)
# the conditions of their indexes, as these have them
_OLD_ORDERS = (text(NAMED_ORDERS), orders.c.updated_at <= BEFORE)
_OLD_HOLDS = (text(NAMED_HOLDS), reservations.c.expires_at <= BEFORE)
_STANDS = (
    select(consents.c.receipt_id)
    .where(
        consents.c.account_id == consent_records.c.account_id,
        consents.c.purpose == consent_records.c.purpose,
        consents.c.receipt_id == consent_records.c.receipt_id,
    )
    .exists()
)
_OLD_RECORDS = (consent_records.c.decided_at <= BEFORE, ~_STANDS)
OLD = {
    "fulfilment": select(orders.c.id)
    .where(*_OLD_ORDERS)
    .order_by(orders.c.updated_at, orders.c.id)
    .limit(LIMIT),
    "fraud_prevention": (
        select(reservations.c.id)
        .where(*_OLD_HOLDS)
        .order_by(reservations.c.expires_at, reservations.c.id)
        .limit(LIMIT)
    ),
}
COUNT_OLD = {
    "fulfilment": select(func.count()).select_from(orders).where(*_OLD_ORDERS),
    "fraud_prevention": select(func.count()).select_from(reservations).where(*_OLD_HOLDS),
    "consent_records": select(func.count()).select_from(consent_records).where(*_OLD_RECORDS),
}
FORGET_RECORDS = delete(consent_records).where(*_OLD_RECORDS)
# What she owned stays somebody's, under another id, and nobody can show any more that an entry of the log was hers.
# An open offer ends, and the channel is told by buyer.erased.
OWNER: Any = bindparam("owner_id")
_OFFERS = (transfers.c.account_id == ACCOUNT, transfers.c.created_at <= AT)
_OWNED = (entitlements.c.account_id == ACCOUNT, entitlements.c.acquired_at <= AT)
_OWNED_NOW = select(entitlements.c.id).where(*_OWNED)
DISOWN = (
    # also of what was done to it meanwhile, and what was handed on
    update(ownership_changes)
    .where(
        ownership_changes.c.account_id == ACCOUNT,
        or_(ownership_changes.c.at <= AT, ownership_changes.c.entitlement_id.in_(_OWNED_NOW)),
    )
    .values(account_id=OWNER),
    update(ownership_changes)
    .where(ownership_changes.c.from_account_id == ACCOUNT, ownership_changes.c.from_acquired_at <= AT)
    .values(from_account_id=OWNER),
    update(entitlements).where(*_OWNED).values(account_id=OWNER, salt=bindparam("no_salt"), transfer_id=None),
    update(transfers)
    .where(*_OFFERS, transfers.c.status == "offered")
    .values(status="cancelled", ended_at=AT, revision=transfers.c.revision + 1),
    update(transfers).where(*_OFFERS).values(account_id=OWNER),
)
_LINKS = (links.c.account_id == ACCOUNT, links.c.created_at <= AT)
# What goes with the account. A new buyer may have begun in the same rows meanwhile: hers stay.
GONE = (
    delete(consents).where(consents.c.account_id == ACCOUNT, consents.c.decided_at <= AT),
    delete(consent_records).where(
        consent_records.c.account_id == ACCOUNT, consent_records.c.decided_at <= AT
    ),
    delete(mails).where(mails.c.link_id.in_(select(links.c.id).where(*_LINKS))),
    delete(link_codes).where(link_codes.c.link_id.in_(select(links.c.id).where(*_LINKS))),
    delete(identifiers).where(
        identifiers.c.sealed.is_(None),
        identifiers.c.id.in_(
            select(links.c.identifier_id).where(*_LINKS, links.c.identifier_id.is_not(None))
        ),
    ),
    delete(links).where(*_LINKS),
    delete(contacts).where(contacts.c.account_id == ACCOUNT, contacts.c.given_at <= AT),
    # the account first, as a flight locks it: who resolves her anew at this instant keeps the account and its name
    delete(accounts).where(accounts.c.id == ACCOUNT, accounts.c.channel_id == ""),
    delete(account_names).where(
        account_names.c.channel_id == CHANNEL,
        account_names.c.subject == SUBJECT,
        account_names.c.account_id == ACCOUNT,
        ~select(accounts.c.id).where(accounts.c.id == ACCOUNT).exists(),
    ),
)
UNCOUNT = (
    delete(hold_counts).where(
        hold_counts.c.channel_id == CHANNEL,
        hold_counts.c.buyer_reference == SUBJECT,
        hold_counts.c.quantity == 0,
    ),
    delete(sale_counts).where(
        sale_counts.c.scope == "buyer",
        sale_counts.c.subject == bindparam("counted_as"),
        sale_counts.c.quantity == 0,
    ),
)


class Erasing:
    """Reads, and small transactions of their own, beside the flights."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def under_way(self, channel_id: str, subject: str) -> int:
        """How many orders of a buyer are not settled."""
        found = await self._engine.read(UNDER_WAY, {"channel_id": channel_id, "subject": subject})
        return int(found[0][0])

    async def held(self, channel_id: str, subject: str) -> Sequence[str]:
        """Ids of a buyer's active holds."""
        found = await self._engine.read(HELD, {"channel_id": channel_id, "subject": subject})
        return [row[0] for row in found]

    async def last(self, channel_id: str, account_id: str) -> Erasure | None:
        """The newest erasure of an account of the channel's."""
        found = await self._engine.rows(Erasure, LAST, {"channel_id": channel_id, "account_id": account_id})
        return found[0] if found else None

    async def open(self) -> Sequence[Erasure]:
        """Erasures that have begun and are not done."""
        return await self._engine.rows(Erasure, OPEN)

    async def orders(self, erasure: Erasure, limit: int) -> Sequence[str]:
        """Ids of settled orders that still name her."""
        return [row[0] for row in await self._engine.read(ORDERS, {**_of(erasure), "limit": limit})]

    async def holds(self, erasure: Erasure, limit: int) -> Sequence[str]:
        """Ids of holds that have ended and still name her."""
        return [row[0] for row in await self._engine.read(HOLDS, {**_of(erasure), "limit": limit})]

    async def left(self, erasure: Erasure) -> bool:
        """Whether an order or a hold still names her."""
        return any([await self._engine.read(query, _of(erasure)) for query in LEFT])

    async def scrub_events(self, names: Mapping[str, str], at: datetime | None = None) -> None:
        """Take buyers out of the events about orders or holds, or of those about accounts until `at`.

        `names`: the pseudonym for each id that events are about. Many at once, in short transactions.
        """
        for piece in personal_events.pieces(list(names)):
            about = await self._engine.rows(Event, personal_events.ABOUT, piece)
            if personal_events.forgotten(about, names, at):
                await self._in_turn(partial(personal_events.scrub, piece=piece, names=names, at=at))

    async def clear(self, erasure: Erasure) -> None:
        """Delete what goes with the account, and give what she owned to nobody."""
        values = {
            **_of(erasure),
            "owner_id": "buy_" + erasure.id.partition("_")[2],
            "no_salt": bytes(SALT_BYTES),
        }
        await self._run([(statement, values) for statement in (*DISOWN, *GONE)])

    async def uncount(self, erasure: Erasure) -> None:
        """Delete the counts of hers that are at nothing."""
        counted_as = limits.subject_of(erasure.channel_id, erasure.subject or "")
        values = {**_of(erasure), "counted_as": counted_as}
        await self._run([(statement, values) for statement in UNCOUNT])

    async def old(self, purpose: str, before: datetime, limit: int) -> Sequence[str]:
        """Ids of settled orders, or of holds that are over, that name a buyer and have not changed since."""
        return await self._ids(OLD[purpose], before=before, limit=limit)

    async def count_old(self, purpose: str, before: datetime) -> int:
        """How many there are; of consent_records, decisions that are that old and replaced by newer ones."""
        return int((await self._engine.scan(COUNT_OLD[purpose], {"before": before}))[0][0])

    async def forget_records(self, before: datetime) -> None:
        """Delete the decisions that `count_old` counts."""
        await self._run([(FORGET_RECORDS, {"before": before})])

    async def _run(self, statements: Sequence[tuple[Any, dict[str, Any]]]) -> None:
        """In one transaction."""

        async def all_of_them(transaction: Transaction) -> None:
            for statement, values in statements:
                await transaction.run(statement, values)

        await self._in_turn(all_of_them)

    async def _in_turn(self, work: Callable[[Transaction], Awaitable[None]]) -> None:
        """In one transaction, and anew when it had to give way to a flight."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self._engine.transaction() as transaction:
                    await work(transaction)
                    await transaction.commit()
                return
            except Conflict:
                if attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(0.01 * attempt)

    async def _ids(self, query: Any, **values: Any) -> list[str]:
        return [row[0] for row in await self._engine.scan(query, values)]


def _of(erasure: Erasure) -> dict[str, Any]:
    return {
        "channel_id": erasure.channel_id,
        "subject": erasure.subject,
        "account_id": erasure.account_id,
        "at": erasure.at,
    }
