"""More of the values the books are kept in (see model.py): units that a supplier makes on demand."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from gateway.core.rows import Row, row


@row
class Supply(Row):
    """One unit of an order that a supplier makes. `id` is the idempotency key towards the supplier.

    `attempts` numbers the askings, so that who works on it notices that another one does. `asked_at` is the last one's.
    """

    id: str
    order_id: str
    line_id: str
    unit: int  # which of its line's, from 1
    offer_id: str
    supplier: str
    state: str  # waiting | asked | made | refused | cancelled | parked
    attempts: int
    next_attempt_at: datetime  # also the end of a lease
    asked_at: datetime | None
    give_up_at: datetime
    delivery_id: str | None
    last_error: str | None
    created_at: datetime
    updated_at: datetime
    trace_id: str


@row
class SuppliedCode(Row):
    """A code or licence that a supplier has made: nobody else may get it. `code_hash` (keyed) is in hex."""

    KEY: ClassVar[tuple[str, ...]] = ("code_hash",)

    code_hash: str
    supply_id: str
