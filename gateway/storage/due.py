"""Rows with work to be done at a time (events, mails, alerts, supplies): leased by one replica, and what came of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, bindparam, select, update


def claim(table: Table, *due: Any) -> Any:
    """Lease the first `limit` rows that are `due`: nobody else gets them before `lease_until`.

    They are chosen in a CTE, once. A sub-query PostgreSQL may run again for each row that it looks at, depending on its
    plan, and as what is locked is skipped it would choose others each time, and lease more than `limit`.
    """
    first = (
        select(table.c.id)
        .where(*due)
        .order_by(table.c.next_attempt_at, table.c.id)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)
        .cte("first_due")
    )
    leased = update(table).where(table.c.id.in_(select(first.c.id)))
    return leased.values(next_attempt_at=bindparam("lease_until")).returning(*table.c)


def record(table: Table, name: str, pending: Any) -> Any:
    """Write what a try came to into the row whose id is the parameter `name`, while it is `pending`."""
    return (
        update(table)
        .where(table.c.id == bindparam(name), pending)
        .values(
            state=bindparam("state_now"),
            attempts=bindparam("attempts_now"),
            next_attempt_at=bindparam("again_at"),
            last_error=bindparam("error"),
        )
        .returning(table.c.id)
    )
