"""Seals everything anew under the current vault key: in small transactions, while the gateway trades.

What is sealed says under which key, so a rotation that was stopped goes on where it was, and one that is complete finds
nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select

from gateway.core import contacts, idempotency
from gateway.core.model import Channel, Delivery, Idempotency, Row, SigningKey, Unit
from gateway.core.model_identity import Contact, Identifier, Link, Mail
from gateway.core.ports import Vault
from gateway.storage.engine.base import Changes, Engine
from gateway.storage.tables import TABLES

BATCH = 500
Progress = Callable[[str, int, int], None]


def _own_id(row: Any) -> str:
    return str(row.id)


@dataclass(frozen=True, slots=True)
class Sealed:
    """Pairs of columns (what is sealed, its key's id) of a table, and the context of a row."""

    kind: type[Row]
    pairs: tuple[tuple[str, str], ...] = (("sealed", "key_id"),)
    context: Callable[[Any], str] = _own_id

    def stale(self) -> Select[Any]:
        """Rows with anything under another key than the current one, locked."""
        return self._where(select(TABLES[self.kind])).limit(BATCH).with_for_update()

    def count(self) -> Select[Any]:
        """How many there are."""
        return self._where(select(func.count()).select_from(TABLES[self.kind]))

    def anew(self, row: Any, vault: Vault) -> Any:
        """The row, sealed under the current key."""
        changes: dict[str, Any] = {}
        for column, key_column in self.pairs:
            key_id = getattr(row, key_column)
            if key_id is not None and key_id != vault.current_key_id:
                clear = vault.open(getattr(row, column), key_id, self.context(row))
                changes[column] = vault.seal(clear, self.context(row))
                changes[key_column] = vault.current_key_id
        return replace(row, **changes)

    def _where(self, query: Select[Any]) -> Select[Any]:
        columns = TABLES[self.kind].c
        return query.where(or_(*(columns[key] != bindparam("current") for _, key in self.pairs)))


ALL = (
    Sealed(Unit),
    Sealed(Delivery),
    Sealed(SigningKey),
    Sealed(Channel, (("webhook_secret", "webhook_key_id"), ("old_webhook_secret", "old_webhook_key_id"))),
    Sealed(Idempotency, (("body", "key_id"),), idempotency.context),
    Sealed(Contact, context=contacts.context),
    Sealed(Identifier),
    Sealed(Link),
    Sealed(Mail),
)
PLANS = [(sealed, sealed.count(), sealed.stale()) for sealed in ALL]


async def rotate(engine: Engine, vault: Vault, progress: Progress | None = None) -> int:
    """Seal everything under the current key; how many rows were sealed anew.

    `progress` is told the table, the rows done and the rows there were to do. Raises VaultError when a key that
    something is sealed under is not in the ring.
    """
    current = {"current": vault.current_key_id}
    total = 0
    for sealed, count, stale in PLANS:
        todo = int((await engine.scan(count, current))[0][0])
        done = 0
        while done < todo:
            async with engine.transaction() as transaction:
                rows = await transaction.fetch_rows(sealed.kind, stale, current)
                if not rows:
                    break
                anew = [sealed.anew(row, vault) for row in rows]
                # not as updates: those leave out what almost never changes, and this does
                await transaction.write([Changes(sealed.kind, upserts=anew)])
                await transaction.commit()
            done += len(rows)
            if progress is not None:
                progress(TABLES[sealed.kind].name, done, max(done, todo))
        total += done
    return total
