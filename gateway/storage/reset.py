"""A sandbox forgets."""

from __future__ import annotations

from sqlalchemy import delete

from gateway.core.model import Channel, SigningKey
from gateway.core.model_ownership_log import LogHead
from gateway.storage.engine import Engine
from gateway.storage.tables import TABLES, log_heads

KEPT = {Channel, SigningKey, LogHead}
FORGET = [delete(table) for kind, table in TABLES.items() if kind not in KEPT]
FORGET.append(
    delete(log_heads).where(log_heads.c.tree_size > 0)
)  # that of the empty tree is the sequencer's lock


async def forget_trade(engine: Engine) -> None:
    """Empty the books: trade, offers, stock, events. For sandboxes only.

    Channels and signing keys stay, and the feeds go on counting, so that no token and no cursor is suddenly another's.
    """
    async with engine.transaction() as transaction:
        for statement in FORGET:
            await transaction.run(statement)
        await transaction.commit()
