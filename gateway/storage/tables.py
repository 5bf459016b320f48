"""The tables: one per value of gateway/core/model.py, a column per field, and what the database itself refuses.

Columns follow the dataclass, so that no field can be forgotten; keys, checks and indexes are written out here. The
migrations build the same thing step by step, and a test holds the two against each other.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text, UniqueConstraint

from gateway.core import (
    model,
    model_allotments,
    model_consent,
    model_identity,
    model_limits,
    model_ownership,
    model_ownership_log,
    model_supplies,
)
from gateway.core.model import Row
from gateway.core.stock import EFFECTS
from gateway.storage.columns import TABLES, metadata
from gateway.storage.columns import check as _check
from gateway.storage.columns import one_of as _one_of
from gateway.storage.columns import partial as _partial
from gateway.storage.columns import table as _table
from gateway.storage.named import NAMED_HOLDS, NAMED_ORDERS
from gateway.storage.tables_ownership import (
    entitlements,
    ownership_changes,
    status_counters,
    status_entries,
    status_lists,
    transfers,
)

COUNTERS = ("received", "available", "reserved", "allotted", "sold", "voided")

channels = _table(model.Channel, "channels")
idempotency = _table(model.Idempotency, "idempotency", Index("idempotency_age", "created_at"))
assertions = _table(model.Assertion, "assertions", Index("assertions_age", "expires_at"))
signing_keys = _table(model.SigningKey, "signing_keys")
order_references = _table(model.OrderReference, "order_references")
accounts = _table(
    model_identity.Account,
    "accounts",
    UniqueConstraint("channel_id", "subject"),
    Index("accounts_buyer", "buyer_id", "id"),
)
account_names = _table(model_identity.AccountName, "account_names")
buyers = _table(model_identity.Buyer, "buyers", _check("revision", "revision >= 1"))
consents = _table(
    model_consent.Consent,
    "consents",
    _one_of("decision", "given", "withdrawn"),
    _check("revision", "revision >= 1"),
)
consent_records = _table(
    model_consent.ConsentRecord,
    "consent_records",
    _one_of("decision", "given", "withdrawn"),
    Index("consent_records_account", "account_id", "receipt_id"),
    Index("consent_records_age", "decided_at"),
)
erasures = _table(
    model_consent.Erasure,
    "erasures",
    _one_of("scope", "this_channel", "all_channels"),
    Index("erasures_account", "account_id", "id"),
    _partial("erasures_open", "done_at IS NULL", "id"),
)
contacts = _table(model_identity.Contact, "contacts", _one_of("kind", "email", "phone"))
identifiers = _table(model_identity.Identifier, "identifiers")
links = _table(
    model_identity.Link,
    "links",
    _one_of("status", "pending", "confirmed", "ended"),
    # an edge has one other end
    _check("edge", "status <> 'confirmed' OR (identifier_id IS NULL) <> (peer_account_id IS NULL)"),
    Index("links_account", "account_id", "id"),
    _partial("links_pending", "status = 'pending'", "expires_at"),
    _partial("links_ended", "status = 'ended'", "ended_at"),
)
link_codes = _table(
    model_identity.LinkCode,
    "link_codes",
    Index("link_codes_link", "link_id"),
    Index("link_codes_age", "expires_at"),
)
proof_counts = _table(model_identity.ProofCount, "proof_counts", Index("proof_counts_age", "last_at"))
mails = _table(
    model_identity.Mail,
    "mails",
    _one_of("state", "pending", "sent", "parked"),
    Index("mails_to", "identifier_id", "id"),
    Index("mails_link", "link_id"),
    Index("mails_age", "expires_at"),
    _partial("mails_due", "state = 'pending'", "next_attempt_at", "id"),
)
buyer_changes = _table(
    model_identity.BuyerChange,
    "buyer_changes",
    _one_of("kind", "joined", "split", "tier"),
    Index("buyer_changes_account", "account_id", "id"),
)
orders = _table(
    model.Order,
    "orders",
    _check("total", "total_amount >= 0"),
    _check("revision", "revision >= 1"),
    Index("orders_channel", "channel_id", "id"),
    Index("orders_buyer", "channel_id", "buyer_reference", "id"),
    _partial("orders_named", NAMED_ORDERS, "updated_at", "id"),
    _partial("orders_due", "payment_due_at IS NOT NULL AND status = 'payment_required'", "payment_due_at"),
)
reservations = _table(
    model.Reservation,
    "reservations",
    _check("quantity", "quantity > 0"),
    _check("unit_amount", "unit_amount >= 0"),
    _one_of("status", "active", "consumed", "released", "expired"),
    Index("reservations_channel", "channel_id", "id"),
    Index("reservations_buyer", "channel_id", "buyer_reference", "id"),
    _partial("reservations_named", NAMED_HOLDS, "expires_at", "id"),
    _partial("reservations_due", "status = 'active'", "expires_at"),
    _partial("reservations_stock_due", "status = 'active'", "stock_id", "expires_at"),
)
allotments = _table(
    model_allotments.Allotment,
    "allotments",
    _check("quantity", "quantity > 0"),
    _check("parts", "sold >= 0 AND returned >= 0 AND remaining >= 0"),
    _check("balance", "quantity = sold + returned + remaining"),
    _check("ended", "(remaining = 0) = (status = 'ended')"),
    _one_of("status", "active", "recalled", "ended"),
    Index("allotments_channel", "channel_id", "id"),
    _partial("allotments_due", "status <> 'ended'", "expires_at"),
)
stocks = _table(
    model.Stock,
    "stocks",
    _one_of("kind", "codes", "counted", "unlimited"),
    _check("counters", " AND ".join(f"{name} >= 0" for name in COUNTERS)),
    _check("balance", "received = available + reserved + allotted + sold + voided"),
    _check("low_threshold", "low_threshold >= 0"),
    _check("safety", "safety >= 0"),
)
hold_counts = _table(model.HoldCount, "hold_counts", _check("quantity", "quantity >= 0"))
sale_counts = _table(
    model_limits.SaleCount,
    "sale_counts",
    _check("quantity", "quantity >= 0"),
    _one_of("scope", "buyer", "channel"),
    Index("sale_counts_subject", "subject", "product_id"),
)
offers = _table(
    model.Offer,
    "offers",
    _check("price", "price_amount >= 0"),
    _check("revision", "revision >= 1"),
    _one_of("status", "active", "withdrawn", "deleted"),
    _one_of("consistency", "strict", "allotment"),
    Index("offers_stock", "stock_id", "id"),
    Index("offers_product", "product_id", "id"),
    Index("offers_position_key", "position", unique=True),
)
units = _table(
    model.Unit,
    "units",
    _one_of("state", "available", "sold", "voided"),
    _check("owner", "state <> 'sold' OR order_id IS NOT NULL"),
    UniqueConstraint("code_hash"),
    UniqueConstraint("stock_id", "seq"),
    _partial("units_available", "state = 'available'", "stock_id", "seq"),
)
deliveries = _table(
    model.Delivery,
    "deliveries",
    _check("reveal_count", "reveal_count >= 0"),
    Index("deliveries_order", "order_id", "id"),
    _partial("deliveries_unowned", "entitlement_id IS NULL AND status <> 'voided'", "id"),
    # one unit is handed over once
    _partial("deliveries_unit_key", "unit_id IS NOT NULL AND status <> 'voided'", "unit_id", unique=True),
)
supplies = _table(
    model_supplies.Supply,
    "supplies",
    _one_of("state", "waiting", "asked", "made", "refused", "cancelled", "parked"),
    _check("attempts", "attempts >= 0"),
    # what is made is delivered, and nothing else is
    _check("delivery", "(state = 'made') = (delivery_id IS NOT NULL)"),
    Index("supplies_order", "order_id", "id"),
    _partial("supplies_due", "state IN ('waiting', 'asked')", "supplier", "next_attempt_at", "id"),
    _partial("supplies_parked", "state = 'parked'", "id"),
)
supplied_codes = _table(model_supplies.SuppliedCode, "supplied_codes")
movements = _table(
    model.Movement,
    "movements",
    _check("quantity", "quantity > 0"),
    _one_of("kind", *EFFECTS),
    Index("movements_stock", "stock_id", "id"),
)
reveals = _table(model.Reveal, "reveals", Index("reveals_delivery", "delivery_id", "id"))
events = _table(
    model.Event,
    "events",
    _check("attempts", "attempts >= 0"),
    _one_of("state", "pending", "delivered", "parked", "feed_only"),
    # those that show what a buyer is known by or has typed
    _partial(
        "events_personal",
        "type IN ('order.updated', 'reservation.expired', 'buyer.linked', 'buyer.unlinked')",
        "subject",
    ),
    Index("events_feed_key", "channel_id", "position", unique=True),
    _partial("events_due", "state = 'pending'", "channel_id", "next_attempt_at", "id"),
)
stock_watches = _table(
    model_limits.StockWatch,
    "stock_watches",
    _one_of("level", "ok", "low", "sold_out"),
    _partial("stock_watches_told", "level <> 'ok' OR selling_out", "stock_id"),
)
alerts = _table(
    model_limits.Alert,
    "alerts",
    _check("attempts", "attempts >= 0"),
    _one_of("state", "pending", "delivered", "parked", "logged"),
    _partial("alerts_due", "state = 'pending'", "next_attempt_at", "id"),
)

# How far the feeds are numbered, in one row for all of them. A flight locks it last, when it knows what it adds, and
# until its commit: positions become visible in their order, so that a reader who has seen one has seen all before it.
feeds = Table(
    "feeds", metadata, Column("name", Text, primary_key=True), Column("position", BigInteger, nullable=False)
)
FEEDS: frozenset[type[Row]] = frozenset({model.Offer, model.Event, model_ownership_log.LogEntry})

# Rows that operations read in order to change them: locked until the transaction ends. Of those that are mostly only
# looked at it is enough that they are what they were when the locks were taken. The lock of a stock guards its unsold
# units.
LOCKED: frozenset[type[Row]] = frozenset(
    {
        model_identity.Account,
        model_identity.Buyer,
        model_consent.Consent,
        model_identity.Identifier,
        model_identity.Link,
        model_identity.LinkCode,
        model_identity.ProofCount,
        model.Order,
        model.Reservation,
        model_allotments.Allotment,
        model.Stock,
        model.HoldCount,
        model.Delivery,
        model_limits.SaleCount,
        model_limits.StockWatch,
        model_supplies.Supply,
        model_ownership.Entitlement,
        model_ownership.Transfer,
        model_ownership.StatusCounter,
        model_ownership.StatusList,
        model_ownership.StatusEntry,
    }
)
WATCHED: frozenset[type[Row]] = LOCKED | {model.Offer, model.Channel}
# Columns that almost never change. An update leaves them out where they have not: less to send, and in SQLite no work
# on their indexes.
FIXED: dict[type[Row], frozenset[str]] = {
    model.Unit: frozenset({"stock_id", "seq", "sealed", "key_id", "code_hash"}),
    model.Order: frozenset({"channel_id", "reference", "created_at", "trace_id", "buyer_reference"}),
    model.Reservation: frozenset({"channel_id", "stock_id", "buyer_reference"}),
    model.Delivery: frozenset({"order_id", "channel_id"}),
    model_ownership_log.LogEntry: frozenset({"entitlement_id", "leaf", "leaf_hash", "at"}),
}
__all__ = [
    "FEEDS",
    "FIXED",
    "LOCKED",
    "TABLES",
    "WATCHED",
    "entitlements",
    "metadata",
    "ownership_changes",
    "status_counters",
    "status_entries",
    "status_lists",
    "transfers",
]
