"""Forgets all trade of a sandbox (test control)."""

from __future__ import annotations

from sqlalchemy import delete

from gateway.storage.engine import Engine
from gateway.storage.tables import assertions, channels, feeds, metadata, signing_keys

# Channels go on with their credentials; feeds go on counting, so that an old cursor skips nothing new.
KEPT = {channels, signing_keys, assertions, feeds}
DELETES = [delete(table) for table in reversed(metadata.sorted_tables) if table not in KEPT]


async def forget_trade(engine: Engine) -> None:
    """Delete offers, stock, orders and all that came of them, in one transaction."""
    async with engine.transaction() as transaction:
        for statement in DELETES:
            await transaction.fetch(statement)
        await transaction.commit()
