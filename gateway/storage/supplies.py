"""Units that suppliers make: which are due, leased, and those that the merchant wants to see; all by index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, text

from gateway.core.model_supplies import Supply
from gateway.storage import due
from gateway.storage.engine.base import Engine
from gateway.storage.tables import supplies

LIMIT: Any = bindparam("limit")
# Written out, not bound: a database only takes a partial index whose condition it can read in the statement.
WORKED_ON, PARKED = text("state IN ('waiting', 'asked')"), text("state = 'parked'")
_DUE = (WORKED_ON, supplies.c.next_attempt_at <= bindparam("now"))
SUPPLIERS_DUE = select(supplies.c.supplier).where(*_DUE).distinct()
CLAIM = due.claim(supplies, *_DUE, supplies.c.supplier == bindparam("supplier"))
CLAIM_LATE = due.claim(supplies, *_DUE, supplies.c.give_up_at <= bindparam("now"))
LISTED = select(supplies).where(PARKED).order_by(supplies.c.id).limit(LIMIT)
NEWEST = select(supplies).order_by(supplies.c.id.desc()).limit(LIMIT)


class Supplies:
    """Small transactions of their own, beside the flights."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def suppliers_due(self, now: datetime) -> set[str]:
        """Suppliers of which something is due."""
        return {row[0] for row in await self._engine.read(SUPPLIERS_DUE, {"now": now})}

    async def claim_supplies(
        self, now: datetime, lease_until: datetime, room: Mapping[str, int], late: int
    ) -> Sequence[Supply]:
        """Due units, leased: nobody else gets them before `lease_until`. The longest due first.

        Of each supplier at most as many as there is `room`; and at most `late` of any supplier, also one that has no
        room, whose time to give up has come.
        """
        found: list[Supply] = []
        async with self._engine.transaction() as transaction:
            common = {"now": now, "lease_until": lease_until}
            found += await transaction.fetch_rows(Supply, CLAIM_LATE, {**common, "limit": late})
            for supplier, limit in sorted(room.items()):
                if limit > 0:
                    wanted = {**common, "supplier": supplier, "limit": limit}
                    found += await transaction.fetch_rows(Supply, CLAIM, wanted)
            await transaction.commit()
        return sorted(found, key=lambda one: one.id)

    async def parked(self, limit: int) -> Sequence[Supply]:
        """Units of which nobody knows whether they are made, oldest first (the merchant's)."""
        return await self._engine.rows(Supply, LISTED, {"limit": limit})

    async def newest(self, limit: int) -> Sequence[Supply]:
        """Units in whatever state, newest first (the merchant's)."""
        return await self._engine.rows(Supply, NEWEST, {"limit": limit})
