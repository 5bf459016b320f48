"""The life of an order: every change of its status goes through the standard's table (ORD-019, ORD-023)."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

import spec
from gateway.core.errors import ProtocolError
from gateway.core.model import Order
from gateway.core.rows import replace


@cache
def table() -> dict[tuple[str, str], str]:
    """(status, event) to status, from spec/order_transitions.yaml."""
    return dict(spec.transitions().table)


def allowed(status: str, event: str) -> bool:
    """Whether an order in this status can go through this event."""
    return (status, event) in table()


def advance(order: Order, now: datetime, *steps: str, **changes: Any) -> Order:
    """The order after these events, in order; each raises the revision by one.

    Raises ProtocolError `transition_not_allowed` for what the table does not have.
    """
    status = order.status
    for step in steps:
        if not allowed(status, step):
            words = step.replace("_", " ")
            raise ProtocolError("transition_not_allowed", f"An order that is {status} cannot {words}.")
        status = table()[status, step]
    revision = order.revision + len(steps)
    return replace(order, status=status, revision=revision, updated_at=now, **changes)
