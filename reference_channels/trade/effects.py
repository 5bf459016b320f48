"""What an event changes in the channel. Every event is a full snapshot, so each replaces what was known
(EVT-013 to EVT-015)."""

from __future__ import annotations

import sqlite3

from reference_channels.kit import inbox
from reference_channels.kit.errors import Json
from reference_channels.kit.inbox import Verdict
from reference_channels.trade import accounts, intents, orders, shelf


def receive(db: sqlite3.Connection, event: Json, now: float) -> Verdict:
    """Take a verified Event into the inbox and, if it is fresh, let it take effect, in the caller's
    transaction."""
    verdict = inbox.take(db, event, now)
    if verdict is Verdict.FRESH:
        _apply(db, event)
    return verdict


def _apply(db: sqlite3.Connection, event: Json) -> None:
    kind, data = event["type"], event["data"]
    if kind in ("offer.updated", "availability.changed") and "offer" in data:
        shelf.put(db, data["offer"])
    elif kind == "offer.withdrawn":
        snapshot = data.get("offer", {})
        shelf.withdraw(db, event["subject"], snapshot.get("revision", event["revision"]))
    elif kind == "order.updated" and "order" in data:
        orders.adopt(db, data["order"])
    elif kind == "reservation.expired" and "reservation" in data:
        _expire(db, data["reservation"])
    elif kind == "consent.changed" and "consent" in data:
        accounts.note(db, data["consent"])
    elif kind == "buyer.erased" and "erasure" in data:
        accounts.forget(db, data["erasure"])


def _expire(db: sqlite3.Connection, reservation: Json) -> None:
    """The gateway let go of a hold; if its buyer has not paid, it is too late now."""
    intent = intents.by_reference(db, reservation.get("reference", ""))
    if intent is not None and intent.state == "held":
        intents.step(db, intent, "abandon", reason="hold_expired")
