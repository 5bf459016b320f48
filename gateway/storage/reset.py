"""A sandbox forgets."""

from __future__ import annotations

from sqlalchemy import delete

from gateway.core.model import Channel, SigningKey
from gateway.storage.engine import Engine
from gateway.storage.tables import TABLES

KEPT = {Channel, SigningKey}
FORGET = [delete(table) for kind, table in TABLES.items() if kind not in KEPT]


async def forget_trade(engine: Engine) -> None:
    """Empty the books: trade, offers, stock, events. For sandboxes only.

    Channels and signing keys stay, and the feeds go on counting, so that no token and no cursor is suddenly another's.
    """
    async with engine.transaction() as transaction:
        for statement in FORGET:
            await transaction.run(statement)
        await transaction.commit()
