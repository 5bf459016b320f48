"""More of the values the books are kept in (see model.py): what buyers allow, and what was erased of them."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from gateway.core.model import Json
from gateway.core.rows import Row, row


@row
class Consent(Row):
    """The newest decision that was made on an account about a purpose. Which one counts for the buyer is said by
    `privacy.newest`: of all her accounts' the one with the highest `revision`."""

    KEY: ClassVar[tuple[str, ...]] = ("account_id", "purpose")

    account_id: str
    purpose: str
    channel_id: str
    receipt_id: str
    decision: str  # given | withdrawn
    scope: Json  # as it was given
    covered: list[str] | None  # ids of the channels among which data may move; None: all
    revision: int  # microseconds since 1970, or one more than that of the decision before
    decided_at: datetime
    expires_at: datetime | None
    notice: Json | None


@row
class ConsentRecord(Consent):
    """One decision, kept as it was made: what receipts are of."""

    KEY: ClassVar[tuple[str, ...]] = ("receipt_id",)


@row
class Erasure(Row):
    """That a buyer's account was erased: the audit row, and the answer to who asks again. `subject` is what her rows
    are found by, and goes itself when that is done; `pseudonym` stands in its place in what is kept."""

    id: str
    account_id: str
    channel_id: str
    subject: str | None
    pseudonym: str
    scope: str  # this_channel | all_channels
    at: datetime
    request_id: str
    trace_id: str
    report: Json  # `erased` and `kept` of the Erasure on the wire
    done_at: datetime | None = None
