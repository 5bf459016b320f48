"""More of the values the books are kept in (see model.py): what counts against limits, and alerts to the merchant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from gateway.core.model import Json, Offer, Row
from gateway.core.rows import row


@row
class SaleCount(Row):
    """Units of a product that count against a limit: held, or sold and not refunded. Only for limited offers.

    `subject` is the channel's id, or what core/limits.py takes a buyer for. `days` has units by day (days since 1970
    in UTC; "0" for a limit without a period); `quantity` is their sum.
    """

    KEY: ClassVar[tuple[str, ...]] = ("product_id", "scope", "subject")

    product_id: str
    scope: str  # buyer | channel
    subject: str
    quantity: int
    days: Json


@dataclass(frozen=True, slots=True)
class Counted:
    """SaleCounts of a buyer's accounts, and the offers that her channel has of these products now."""

    counts: Sequence[SaleCount] = ()
    offers: Sequence[Offer] = ()


@row
class StockWatch(Row):
    """What the merchant was last told about a stock; without one, that all is well."""

    KEY: ClassVar[tuple[str, ...]] = ("stock_id",)

    stock_id: str
    level: str  # ok | low | sold_out
    selling_out: bool  # a sell-out was forecast, and is still near
    changed_at: datetime


@row
class Alert(Row):
    """One message to the merchant, and the state of its delivery by webhook."""

    id: str
    stock_id: str
    kind: str  # stock.low | stock.sold_out | stock.back | stock.selling_out
    occurred_at: datetime
    data: Json
    state: str  # pending | delivered | parked | logged (there was no webhook)
    attempts: int
    next_attempt_at: datetime
    last_error: str | None
