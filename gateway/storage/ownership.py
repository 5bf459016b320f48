"""What is read of ownership outside of flights: entitlements, their history, offers, status lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import bindparam, select, text

from gateway.core.model import Row
from gateway.core.model_identity import Account
from gateway.core.model_ownership import Entitlement, OwnershipChange, StatusList, Transfer
from gateway.core.status_lists import VALID, entry_name
from gateway.storage.engine.base import Engine
from gateway.storage.tables import (
    accounts,
    deliveries,
    entitlements,
    ownership_changes,
    status_entries,
    status_lists,
    transfers,
)

ID: Any = bindparam("id")
CHANNEL: Any = bindparam("channel_id")
LIMIT: Any = bindparam("limit")
R = TypeVar("R", bound=Row)
LAST = "zzzzzzzz"  # sorts after every id

ACCOUNT = select(accounts).where(accounts.c.id == ID, accounts.c.channel_id == CHANNEL)
SAME_BUYER = (
    select(accounts)
    .where(accounts.c.buyer_id.in_(select(accounts.c.buyer_id).where(accounts.c.id == ID)))
    .order_by(accounts.c.id)
)
ENTITLEMENT = select(entitlements).where(entitlements.c.id == ID)
_OWNED = entitlements.alias("owned")
_OWN = select(_OWNED.c.id).where(_OWNED.c.account_id == ID, _OWNED.c.channel_id == CHANNEL)
_GIVEN = select(ownership_changes.c.entitlement_id).where(
    ownership_changes.c.from_account_id == ID, ownership_changes.c.from_channel_id == CHANNEL
)
# a union, and no OR: for that one PostgreSQL would read all that anybody owns
OWNED, OWNED_OR_GIVEN = (
    select(entitlements)
    .where(entitlements.c.id.in_(whose), entitlements.c.id < bindparam("before"))
    .order_by(entitlements.c.id.desc())
    .limit(LIMIT)
    for whose in (_OWN, _OWN.union(_GIVEN))
)
CHANGES = (
    select(ownership_changes)
    .where(ownership_changes.c.entitlement_id == ID)
    .order_by(ownership_changes.c.revision, ownership_changes.c.id)
)
TRANSFER = select(transfers).where(transfers.c.id == ID)
STATUS_LIST = select(status_lists).where(status_lists.c.id == ID)
# written out, so that SQLite takes the partial index
NOT_VALID = (
    select(status_entries.c.place, status_entries.c.status)
    .where(status_entries.c.list_id == ID, text("status <> 0"))
    .order_by(status_entries.c.place)
)
STATUS = select(status_entries.c.status).where(status_entries.c.id == ID)
UNOWNED = (
    select(deliveries.c.id)
    .where(text("entitlement_id IS NULL AND status <> 'voided'"))
    .order_by(deliveries.c.id)
    .limit(LIMIT)
)


class OwnershipReads:
    """Committed rows; who may see them is for the caller to say."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def account(self, account_id: str, channel_id: str) -> Account | None:
        """An account of the channel."""
        wanted = {"id": account_id, "channel_id": channel_id}
        rows: list[Account] = await self._engine.rows(Account, ACCOUNT, wanted)
        return rows[0] if rows else None

    async def accounts_with(self, account_id: str) -> Sequence[Account]:
        """This account and all others of its buyer, in id order; none when it was never resolved."""
        return await self._engine.rows(Account, SAME_BUYER, {"id": account_id})

    async def entitlement(self, entitlement_id: str) -> Entitlement | None:
        """An entitlement, whoever asks."""
        return await self._one(Entitlement, ENTITLEMENT, entitlement_id)

    async def entitlements(
        self, account_id: str, channel_id: str, given: bool, before: str | None, limit: int
    ) -> Sequence[Entitlement]:
        """What this account of the channel owns, and with `given` what it has handed on too: newest id first, ids below
        `before`."""
        wanted = {"id": account_id, "channel_id": channel_id, "before": before or LAST, "limit": limit}
        return await self._engine.rows(Entitlement, OWNED_OR_GIVEN if given else OWNED, wanted)

    async def changes(self, entitlement_id: str) -> Sequence[OwnershipChange]:
        """The history after the issue, oldest first."""
        return await self._engine.rows(OwnershipChange, CHANGES, {"id": entitlement_id})

    async def transfer(self, transfer_id: str) -> Transfer | None:
        """An offer, whoever asks."""
        return await self._one(Transfer, TRANSFER, transfer_id)

    async def status_list(self, list_id: str) -> StatusList | None:
        """A list, without what is in it."""
        return await self._one(StatusList, STATUS_LIST, list_id)

    async def status_entries(self, list_id: str) -> Sequence[tuple[int, int]]:
        """(place, status) of all places in the list that are not valid."""
        return [(row[0], row[1]) for row in await self._engine.read(NOT_VALID, {"id": list_id})]

    async def certificate_status(self, list_id: str, place: int) -> int | None:
        """The status at a place; None where there is no such list."""
        if await self.status_list(list_id) is None:
            return None
        rows = await self._engine.read(STATUS, {"id": entry_name(list_id, place)})
        return int(rows[0][0]) if rows else VALID

    async def unowned(self, limit: int) -> Sequence[str]:
        """Ids of deliveries that were made before there were entitlements, oldest first."""
        return [row[0] for row in await self._engine.read(UNOWNED, {"limit": limit})]

    async def _one(self, kind: type[R], query: Any, row_id: str) -> R | None:
        rows: list[R] = await self._engine.rows(kind, query, {"id": row_id})
        return rows[0] if rows else None
