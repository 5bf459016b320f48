"""More of the values the books are kept in (see model.py): who a buyer is, over all channels.

Everything that a buyer has (orders, entitlements, consents, counts of limits) hangs on an account, never on her. A
buyer is the set of accounts with her `buyer_id`, so a merge changes nothing but that column, and its undo gives back
exactly what was each one's (docs/decisions/0016).
"""

from __future__ import annotations

from datetime import datetime

from gateway.core.rows import Row, row


@row
class Account(Row):
    """A buyer as one channel knows her. `id` is her pairwise id there: see `identity.account_id`."""

    id: str
    channel_id: str
    subject: str  # the channel's own name for her; also the `reference` of the buyer in her orders
    buyer_id: str
    created_at: datetime


@row
class Buyer(Row):
    """One person. No channel ever sees this `id`. Read with `get` before her set of accounts is read or changed: the
    row is the lock on that set."""

    id: str
    tier: str
    revision: int
    created_at: datetime
