"""What an Order document means for the intent it came from. Pure, or over the database; no calls."""

from __future__ import annotations

import json
import sqlite3

from reference_channels.kit.errors import Json
from reference_channels.trade import intents
from reference_channels.trade.intents import LIFE, Intent

GOOD = frozenset({"fulfilled", "closed", "partially_refunded", "disputed"})
DEAD = frozenset({"cancelled", "expired", "rejected", "fulfilment_failed", "refunded"})


def meaning(status: str) -> str:
    """The step of the intent's life that an order status means; an unknown one is still on its way
    (CNV-002)."""
    if status in GOOD:
        return "fulfil"
    return "refuse" if status in DEAD else "accept"


def adopt(db: sqlite3.Connection, order: Json) -> Intent | None:
    """Note what the gateway says of an order, from an answer or an event. Nothing older counts.

    Answers the intent as it is then, or None when the order is none of this channel's.
    """
    intent = intents.by_reference(db, order["reference"])
    if intent is None or order["revision"] < intent.order_revision:
        return intent
    known = {"order_id": order["id"], "order_status": order["status"], "order_revision": order["revision"]}
    known["refunded"] = sum(refund["amount"]["amount"] for refund in order.get("refunds", ()))
    event = meaning(order["status"])
    if (intent.state, event) not in LIFE:
        return intents.save(db, intent, **known)
    if event == "refuse":
        return refuse(db, intents.save(db, intent, **known), f"order_{order['status']}")
    return intents.step(db, intent, event, **known)


def refuse(db: sqlite3.Connection, intent: Intent, reason: str) -> Intent:
    """Nothing was sold: say why, and give back what the buyer paid."""
    payment = "refunded" if intent.payment == "collected" else intent.payment
    return intents.step(db, intent, "refuse", reason=reason, payment=payment)


def buyer(intent: Intent) -> Json:
    """The Buyer document of an intent."""
    known = {"reference": intent.buyer, "region": intent.region, "locale": intent.locale}
    return {name: value for name, value in known.items() if value}


def request(intent: Intent) -> Json:
    """The OrderRequest of an intent: byte for byte the same on every retry (IDM-009)."""
    line: Json = {
        "offer_id": intent.offer_id,
        "quantity": intent.quantity,
        "unit_price": {"amount": intent.unit_amount, "currency": intent.currency},
        "reservation_id": intent.reservation_id,
    }
    buyer_input = json.loads(intent.buyer_input)
    if buyer_input:
        line["buyer_input"] = buyer_input
    paid_by = (intent.payment_reference or "").partition("-")[0]
    payment = {"status": "collected", "method": paid_by, "reference": intent.payment_reference}
    order: Json = {
        "reference": intent.reference,
        "buyer": buyer(intent),
        "lines": [line],
        "payment": payment,
    }
    return (
        order if intent.recipient_key is None else order | {"recipient_key": json.loads(intent.recipient_key)}
    )
