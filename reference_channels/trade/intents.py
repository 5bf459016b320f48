"""What buyers want, as rows: everything about a purchase that must survive a crash. Never the goods
themselves.

The life of an intent is the table LIFE. `opened`: not held yet. `held`: stock is kept, the buyer has not
paid. `paid`: the money is taken, the order may or may not exist at the gateway. `ordered`: it exists and
is being fulfilled. `releasing`: nothing was sold, the hold must still be given back. `stuck`: nobody could
say for days; a person must look.
"""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass, fields, replace

LIFE = {
    ("opened", "hold"): "held",
    ("opened", "refuse"): "closed",
    ("opened", "abandon"): "releasing",
    ("held", "pay"): "paid",
    ("held", "abandon"): "releasing",
    ("paid", "accept"): "ordered",
    ("paid", "fulfil"): "fulfilled",
    ("paid", "refuse"): "releasing",
    ("paid", "give_up"): "stuck",
    ("ordered", "fulfil"): "fulfilled",
    ("ordered", "refuse"): "closed",
    ("stuck", "accept"): "ordered",
    ("stuck", "fulfil"): "fulfilled",
    ("stuck", "refuse"): "releasing",
    ("releasing", "release"): "closed",
}


@dataclass(frozen=True, slots=True)
class Intent:
    """One press of the button. Amounts in minor units of `currency`, times in seconds since 1970.

    `hold_key` and `order_key` are idempotency keys, drawn and stored before the first call (IDM-008);
    `reference` is the channel's name for the order and the hold; `offer` is the offer (JSON) as the buyer saw
    it; `recipient_key` is the public key (JSON) of the buyer's browser, where it has made one (DLV-035); `refunded` is
    what the order's refunds give back (SEL-016).
    """

    id: str
    reference: str
    hold_key: str
    order_key: str
    trace_id: str
    buyer: str
    offer_id: str
    offer: str
    quantity: int
    buyer_input: str
    seen_amount: int
    currency: str
    created_at: float
    region: str | None = None
    locale: str | None = None
    state: str = "opened"
    reservation_id: str | None = None
    unit_amount: int | None = None
    hold_until: float | None = None
    payment: str = "none"
    payment_reference: str | None = None
    order_id: str | None = None
    order_status: str | None = None
    order_revision: int = 0
    reason: str | None = None
    tries: int = 0
    next_try: float = 0.0
    reveal: int = 0
    recipient_key: str | None = None
    refunded: int | None = None

    @property
    def amount(self) -> int:
        """What the buyer pays, or would: the held price where there is a hold (SEL-016)."""
        unit = self.seen_amount if self.unit_amount is None else self.unit_amount
        return unit * self.quantity


_COLUMNS = [field.name for field in fields(Intent)]
_TYPES = {
    "quantity": "integer not null", "seen_amount": "integer not null", "created_at": "real not null",
    "unit_amount": "integer", "refunded": "integer", "hold_until": "real", "order_revision": "integer not null",
    "tries": "integer not null", "next_try": "real not null", "reveal": "integer not null",
    "id": "text primary key", "reference": "text not null unique",
}  # fmt: skip
SCHEMA = f"""
create table if not exists intents ({", ".join(f"{name} {_TYPES.get(name, 'text')}" for name in _COLUMNS)})
strict; create index if not exists intents_state on intents (state, next_try);
create index if not exists intents_buyer on intents (buyer, created_at);
"""
_SELECT = f"select {', '.join(_COLUMNS)} from intents "  # noqa: S608 - the names are the dataclass's own


def bring_up_to_date(db: sqlite3.Connection) -> None:
    """Add the columns that a channel of an earlier version has not; new ones stand at the end and may be null."""
    known = {row[1] for row in db.execute("pragma table_info(intents)")}
    for name in (name for name in _COLUMNS if name not in known):
        db.execute(f"alter table intents add column {name} {_TYPES.get(name, 'text')}")


class WrongStateError(Exception):
    """The intent's life has no such step from where it is; somebody else was faster."""


def insert(db: sqlite3.Connection, intent: Intent) -> None:
    """Store a new intent. Raises sqlite3.IntegrityError when its id or reference is taken."""
    marks = ", ".join("?" * len(_COLUMNS))
    db.execute(f"insert into intents values ({marks})", tuple(asdict(intent).values()))  # noqa: S608 - marks


def find(db: sqlite3.Connection, intent_id: str) -> Intent | None:
    """The intent with this id."""
    return _one(db.execute(_SELECT + "where id = ?", (intent_id,)).fetchone())


def by_reference(db: sqlite3.Connection, reference: str) -> Intent | None:
    """The intent whose order or hold has this reference."""
    return _one(db.execute(_SELECT + "where reference = ?", (reference,)).fetchone())


def of_buyer(db: sqlite3.Connection, buyer: str) -> list[Intent]:
    """The buyer's intents, newest first."""
    rows = db.execute(_SELECT + "where buyer = ? order by created_at desc limit 200", (buyer,)).fetchall()
    return [Intent(*row) for row in rows]


def due(db: sqlite3.Connection, now: float, opened_before: float) -> list[Intent]:
    """What the channel must go on with by itself now: unknown outcomes, holds to give back, buyers who left."""
    rows = db.execute(
        _SELECT + "where (state in ('paid', 'ordered', 'releasing') and next_try <= ?1)"
        " or (state = 'held' and hold_until <= ?1) or (state = 'opened' and created_at <= ?2)"
        " order by next_try limit 100",
        (now, opened_before),
    ).fetchall()
    return [Intent(*row) for row in rows]


def save(db: sqlite3.Connection, intent: Intent, **changes: object) -> Intent:
    """Store changes that are no step of the life."""
    names = ", ".join(f"{name} = ?" for name in changes)
    db.execute(f"update intents set {names} where id = ?", (*changes.values(), intent.id))  # noqa: S608 - fields
    return replace(intent, **changes)  # type: ignore[arg-type]


def step(db: sqlite3.Connection, intent: Intent, event: str, **changes: object) -> Intent:
    """Take one step of the life from the state that is in the database now, with what changes along.

    Raises WrongStateError when LIFE has no such step.
    """
    current = find(db, intent.id)
    if current is None or (current.state, event) not in LIFE:
        raise WrongStateError(f"{current.state if current else 'gone'} {event}")
    return save(db, current, state=LIFE[current.state, event], tries=0, next_try=0.0, **changes)


def _one(row: sqlite3.Row | None) -> Intent | None:
    return None if row is None else Intent(*row)
