"""Mails with codes: which are due, leased, and what came of them; all by index."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, null, text, update

from gateway.core.model_identity import Mail
from gateway.storage import due
from gateway.storage.engine.base import Engine
from gateway.storage.tables import mails

NOW: Any = bindparam("now")
# Written out, not bound: a database only takes a partial index whose condition it can read in the statement.
PENDING = text("state = 'pending'")
CLAIM = due.claim(mails, PENDING, mails.c.next_attempt_at <= NOW, mails.c.expires_at > NOW)
RECORD = due.record(mails, "mail_id", PENDING)
DROP = update(mails).where(mails.c.id == bindparam("mail_id")).values(sealed=null(), key_id=null())


class Mails:
    """Small transactions of their own, beside the flights."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def claim_mails(self, now: datetime, lease_until: datetime, limit: int) -> Sequence[Mail]:
        """Pending mails that are due and whose code is still good: nobody else gets them before `lease_until`."""
        async with self._engine.transaction() as transaction:
            wanted = {"now": now, "limit": limit, "lease_until": lease_until}
            found: list[Mail] = await transaction.fetch_rows(Mail, CLAIM, wanted)
            if found:
                await transaction.commit()
        return sorted(found, key=lambda mail: mail.id)

    async def record_mail(
        self,
        mail_id: str,
        state: str,
        attempts: int,
        next_attempt_at: datetime,
        error: str | None,
        drop: bool,
    ) -> None:
        """What came of a try; `drop` what was sealed, which nobody needs any more."""
        values = {
            "mail_id": mail_id,
            "state_now": state,
            "attempts_now": attempts,
            "again_at": next_attempt_at,
            "error": error,
        }
        async with self._engine.transaction() as transaction:
            await transaction.fetch(RECORD, values)
            if drop:
                await transaction.run(DROP, {"mail_id": mail_id})
            await transaction.commit()
