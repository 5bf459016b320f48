"""More of the values the books are kept in (see model.py): stock leased to channels."""

from __future__ import annotations

from datetime import datetime

from gateway.core.model import Json, Row
from gateway.core.rows import row


@row
class Allotment(Row):
    """A lease of stock to a channel. quantity = sold + returned + remaining, by constraint.

    A recall moves `expires_at` nearer, so a lease has one end, whatever brings it about.
    """

    id: str
    channel_id: str
    offer_id: str
    product_id: str
    stock_id: str
    quantity: int
    sold: int
    returned: int
    remaining: int
    status: str  # active | recalled | ended (nothing remains)
    revision: int
    unit_amount: int
    currency: str
    reference: str | None
    created_at: datetime
    expires_at: datetime
    recalled_at: datetime | None
    trace_id: str
    counted: list[Json] | None = None  # in which SaleCounts its units are: see core/limits.py
