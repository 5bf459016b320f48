"""The values the books are kept in: one row per table, one field per column.

Times are UTC, amounts minor units, `KEY` the primary key. Values never change: rules `put` what `rows.replace` makes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from gateway.core.rows import Row as Row
from gateway.core.rows import row

Json = dict[str, Any]


@row
class Channel(Row):
    """A registered channel and its OAuth client. `id` is the client_id."""

    id: str
    name: str
    secret_hash: str | None
    jwks: Json | None
    scopes: tuple[str, ...]
    events_url: str | None
    signature_scheme: str
    webhook_secret: bytes | None  # sealed by the vault
    webhook_key_id: str | None
    max_open_holds: int
    max_open_holds_per_buyer: int
    rate_limit_per_minute: int
    active: bool
    created_at: datetime
    old_secret_hash: str | None = None  # in force before the last rotation, taken until `old_until`
    old_webhook_secret: bytes | None = None
    old_webhook_key_id: str | None = None
    old_until: datetime | None = None


@row
class Stock(Row):
    """Counters of one pool. received = available + reserved + allotted + sold + voided, by constraint."""

    id: str
    kind: str  # codes | counted | unlimited
    received: int
    available: int
    reserved: int
    sold: int
    voided: int
    low_threshold: int
    safety: int = 0  # of what is available, kept back from sale
    holding: Json | None = None  # what became of holds, by channel: see core/pressure.py
    allotted: int = 0  # leased to channels and not sold: see core/allotments.py


@row
class Unit(Row):
    """One unique code. The code itself is sealed; `code_hash` (keyed) finds duplicates without opening it."""

    id: str
    stock_id: str
    seq: int
    state: str  # available | sold | voided
    sealed: bytes | None  # None, as `key_id`, once the code has gone to its buyer sealed (DLV-032)
    key_id: str | None
    code_hash: bytes
    order_id: str | None


@row
class Movement(Row):
    """One change of a stock's counters; the books are the sum of these."""

    id: str
    stock_id: str
    kind: str  # see core/stock.py
    quantity: int
    reservation_id: str | None  # of the hold or the lease
    order_id: str | None
    at: datetime
    trace_id: str


@row
class Offer(Row):
    """What is sold, at which price, from which stock. `channel_id` None: every channel sees it."""

    id: str
    revision: int
    status: str  # active | withdrawn | deleted
    channel_id: str | None
    product: Json
    price_amount: int
    currency: str
    promotion: Json | None
    restrictions: Json | None
    buyer_input: Json | None
    delivery_kind: str
    stock_id: str
    download_url: str | None
    availability: str  # in_stock | low_stock | out_of_stock
    position: int | None  # in the offer feed; None in a new revision, which gets one when it is stored
    updated_at: datetime
    channel_limits: Json | None = None  # SaleLimits by channel id, before that of `restrictions`
    consistency: str = "strict"  # strict | allotment (may be leased)
    supplier: str | None = None  # who makes each unit on demand; None: it comes from the stock
    product_id: str = ""  # the `id` of `product`: how the offers of a product are found


@row
class Reservation(Row):
    """A hold. `reference` is the channel's own; `buyer` is the wire object.
    `internal`: made by an order that waits for its payment and ended with it; never shown to the channel."""

    id: str
    channel_id: str
    offer_id: str
    stock_id: str
    quantity: int
    status: str  # active | consumed | released | expired
    unit_amount: int
    currency: str
    buyer: Json
    buyer_reference: str
    reference: str | None
    order_id: str | None  # the order that made or took the hold
    extensions: int
    created_at: datetime
    expires_at: datetime
    trace_id: str
    internal: bool = False
    counted: list[Json] | None = None  # in which SaleCounts its units are: see core/limits.py


@row
class HoldCount(Row):
    """How many units a channel (buyer_reference '') or one of its buyers holds now."""

    KEY: ClassVar[tuple[str, ...]] = ("channel_id", "buyer_reference")

    channel_id: str
    buyer_reference: str
    quantity: int
    stocks: Json | None = None  # a buyer's, by stock id: see core/pressure.py


@row
class Order(Row):
    """An order. Its objects are those of spec/schemas/orders.yaml and aftersale.yaml, the oldest first.
    `holds`: ids of the internal reservations that keep its stock while it waits for payment, by line."""

    id: str
    channel_id: str
    reference: str
    status: str
    revision: int
    buyer: Json
    lines: list[Json]
    total_amount: int
    currency: str
    payment: Json
    payment_due_at: datetime | None
    cancellation: Json | None
    created_at: datetime
    updated_at: datetime
    trace_id: str
    holds: list[str] = field(default_factory=list)
    refunds: list[Json] = field(default_factory=list)
    disputes: list[Json] = field(default_factory=list)
    counted: Json | None = None  # by line id, in which SaleCounts its units are
    recipient_key: Json | None = None  # the buyer's public key, as core/sealing.py accepts it
    allotment: Json | None = None  # of a sale from a lease: `id`, and `taken_from` as in its result
    buyer_reference: str = ""  # the `reference` of `buyer`: how a buyer's orders are found


@row
class OrderReference(Row):
    """A channel's own name for one of its orders; unique."""

    KEY: ClassVar[tuple[str, ...]] = ("channel_id", "reference")

    channel_id: str
    reference: str
    order_id: str


@row
class Delivery(Row):
    """One unit handed over. A code is opened through its unit; licences and links are sealed here."""

    id: str
    order_id: str
    line_id: str
    channel_id: str
    kind: str  # code | licence | download | topup | token
    status: str  # ready | revealed | voided
    unit_id: str | None
    sealed: bytes | None
    key_id: str | None
    reveal_count: int
    revealed_at: datetime | None
    created_at: datetime
    replaces: str | None = None  # the delivery in whose place this one was made
    sealed_to: str | None = None  # the key, by thumbprint, that `sealed` is a JWE for; but see core/goods.py
    entitlement_id: str | None = None  # None: delivered before there were any, and not adopted yet


@row
class Reveal(Row):
    """The audit row of one opening."""

    id: str
    delivery_id: str
    order_id: str
    channel_id: str
    reason: str | None
    request_id: str
    trace_id: str
    at: datetime


@row
class Event(Row):
    """One event for one channel: the outbox, the feed and the state of its delivery in one row."""

    id: str
    channel_id: str
    type: str
    subject: str
    revision: int
    occurred_at: datetime
    traceparent: str
    data: Json
    position: int | None  # in the channel's feed; None until it is stored
    state: str  # pending | delivered | parked | feed_only
    attempts: int
    next_attempt_at: datetime
    last_error: str | None


@row
class Idempotency(Row):
    """The first answer to a key. `body` is sealed when the answer carries goods."""

    KEY: ClassVar[tuple[str, ...]] = ("channel_id", "operation", "key")

    channel_id: str
    operation: str
    key: str
    fingerprint: bytes
    status: int
    body: bytes
    key_id: str | None
    created_at: datetime


@row
class SigningKey(Row):
    """An Ed25519 key of the gateway's (tokens and events). Published from `created_at` until `retired_at`."""

    id: str
    sealed: bytes
    key_id: str
    public_jwk: Json
    created_at: datetime
    retired_at: datetime | None


@row
class Assertion(Row):
    """A client assertion's jti that has been used (RFC 7523 section 3)."""

    KEY: ClassVar[tuple[str, ...]] = ("channel_id", "jti")

    channel_id: str
    jti: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls, when and in which trace. `now` is the gateway's clock."""

    channel_id: str
    now: datetime
    traceparent: str
    trace_id: str
    request_id: str
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Revealed:
    """An opened delivery. `goods` is the wire object, in the clear: for the answer and nothing else."""

    delivery: Delivery
    goods: Json
