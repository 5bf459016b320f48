"""Events that show what a buyer is known by or has typed, and what is left of them without her."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select, text

from gateway.core import erasure as rules
from gateway.core.model import Event
from gateway.core.rows import replace
from gateway.storage.engine.base import Changes, Transaction
from gateway.storage.several import filled, places
from gateway.storage.tables import events

# So many that a statement is worth its way, so few that nobody waits long for their locks.
TOGETHER = 100
# written out, as the index has it
ABOUT = (
    select(events)
    .where(
        events.c.subject.in_(places("subject", TOGETHER)),
        text("type IN ('order.updated', 'reservation.expired', 'buyer.linked', 'buyer.unlinked')"),
    )
    .order_by(events.c.id)
)
ABOUT_LOCKED = ABOUT.with_for_update()


def pieces(subjects: Sequence[str]) -> Iterator[dict[str, str]]:
    """The parameters of ABOUT, as often as it has to be run."""
    for start in range(0, len(subjects), TOGETHER):
        yield filled("subject", TOGETHER, subjects[start : start + TOGETHER])


def forgotten(about: Sequence[Event], names: Mapping[str, str], at: datetime | None) -> list[Event]:
    """Those of these events that name a buyer still, without her. `names`: a pseudonym for each subject."""
    told = [one for one in about if at is None or one.occurred_at <= at]
    made = [replace(one, data=rules.forgotten(one.data, names[one.subject])) for one in told]
    return [after for before, after in zip(told, made, strict=True) if before.data != after.data]


async def scrub(
    transaction: Transaction, piece: Mapping[str, str], names: Mapping[str, str], at: datetime | None
) -> None:
    """Take her out. They are read under a lock, so that what is noted meanwhile of their sending stays."""
    found = forgotten(await transaction.fetch_rows(Event, ABOUT_LOCKED, piece), names, at)
    if found:
        await transaction.write([Changes(Event, updates=found)])
