"""What the gateway asks of whoever makes goods on demand: the port, and the words in which it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from gateway.core.model import Json

# A request counts this long; one that reaches the supplier later is void, so that what was given up is never made.
VALID = timedelta(seconds=60)
LONGEST_GOODS = 4096  # characters; as in the standard's CodeContent


@dataclass(frozen=True, slots=True)
class SupplyRequest:
    """One unit to be made. `id` is the idempotency key: the same id is the same unit, however often it is asked for.

    `buyer_input` is what the buyer gave for it, and personal: it goes to the supplier and nowhere else. `unit` is
    which of its order line's it is, from 1.
    """

    id: str
    kind: str  # code | licence | topup | token
    product_id: str
    unit: int
    traceparent: str
    valid_until: datetime
    buyer_input: Json | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Made:
    """It is made, for good. `goods` is the code, the licence's key, the top-up's receipt, or a TokenContent as JSON."""

    goods: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """It is not made and never will be under this id. `reason` is for the merchant: one line, nothing personal."""

    reason: str


@dataclass(frozen=True, slots=True)
class Pending:
    """It is taken and not made yet. `retry_after`: seconds, when the supplier says."""

    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """`status` only: the supplier has never seen the id."""


Answer = Made | Refused | Pending | Unknown


class SupplierTrouble(Exception):
    """Nothing is known of what came of the call. The text is for the merchant: one line, nothing personal."""

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class Supplier(Protocol):
    """Makes goods. Adapters are found by name (gateway/suppliers.py); both calls may raise SupplierTrouble."""

    async def make(self, request: SupplyRequest) -> Answer:
        """Make the unit, unless it is made already: then give the same goods again. Never answers Unknown."""

    async def status(self, request: SupplyRequest) -> Answer:
        """What became of the unit; changes nothing."""
