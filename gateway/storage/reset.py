"""A sandbox forgets."""

from __future__ import annotations

from sqlalchemy import Executable, delete, update

from gateway.core.model import Channel, SigningKey
from gateway.core.model_ownership import StatusCounter
from gateway.core.model_ownership_log import LogHead
from gateway.core.status_lists import SIZE
from gateway.storage.engine import Engine
from gateway.storage.tables import TABLES
from gateway.storage.tables_ownership import log_heads, status_counters

KEPT = {Channel, SigningKey, LogHead, StatusCounter}
FORGET: list[Executable] = [delete(table) for kind, table in TABLES.items() if kind not in KEPT]
FORGET += [
    delete(log_heads).where(log_heads.c.tree_size > 0),  # that of the empty tree is the sequencer's lock
    # in a new list: a certificate from before would have the status of whoever gets its place
    update(status_counters).values(used=(status_counters.c.used // SIZE + 1) * SIZE),
]


async def forget_trade(engine: Engine) -> None:
    """Empty the books: trade, offers, stock, events. For sandboxes only.

    Channels and signing keys stay, and feeds and status lists go on counting, so that no token, no cursor and no
    certificate is suddenly another's.
    """
    async with engine.transaction() as transaction:
        for statement in FORGET:
            await transaction.run(statement)
        await transaction.commit()
