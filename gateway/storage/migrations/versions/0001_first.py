"""The first schema: the books, the outbox, the idempotency records and the keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table, and the two rows that number the feeds."""
    for create in (
        _channels,
        _idempotency,
        _assertions,
        _signing_keys,
        _order_references,
        _orders,
        _reservations,
        _stocks,
        _hold_counts,
        _offers,
        _units,
        _deliveries,
        _movements,
        _reveals,
        _events,
        _feeds,
    ):
        create()
    feeds = sa.table("feeds", sa.column("name", sa.Text()), sa.column("position", sa.BigInteger()))
    op.bulk_insert(feeds, [{"name": "offers", "position": 0}, {"name": "events", "position": 0}])


def downgrade() -> None:
    """Remove every table, and with them all that is in the books."""
    for name in (
        "feeds",
        "events",
        "reveals",
        "movements",
        "deliveries",
        "units",
        "offers",
        "hold_counts",
        "stocks",
        "reservations",
        "orders",
        "order_references",
        "signing_keys",
        "assertions",
        "idempotency",
        "channels",
    ):
        op.drop_table(name)


def _partial(name: str, table: str, columns: list[str], where: str, unique: bool = False) -> None:
    """An index of the rows that meet a condition."""
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _channels() -> None:
    op.create_table(
        "channels",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=True),
        sa.Column("jwks", sa.JSON(), nullable=True),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("events_url", sa.Text(), nullable=True),
        sa.Column("signature_scheme", sa.Text(), nullable=False),
        sa.Column("webhook_secret", sa.LargeBinary(), nullable=True),
        sa.Column("webhook_key_id", sa.Text(), nullable=True),
        sa.Column("max_open_holds", sa.BigInteger(), nullable=False),
        sa.Column("max_open_holds_per_buyer", sa.BigInteger(), nullable=False),
        sa.Column("rate_limit_per_minute", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("old_secret_hash", sa.Text(), nullable=True),
        sa.Column("old_webhook_secret", sa.LargeBinary(), nullable=True),
        sa.Column("old_webhook_key_id", sa.Text(), nullable=True),
        sa.Column("old_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="channels_pkey"),
    )


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("channel_id", "operation", "key", name="idempotency_pkey"),
    )
    op.create_index("idempotency_age", "idempotency", ["created_at"])


def _assertions() -> None:
    op.create_table(
        "assertions",
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("channel_id", "jti", name="assertions_pkey"),
    )
    op.create_index("assertions_age", "assertions", ["expires_at"])


def _signing_keys() -> None:
    op.create_table(
        "signing_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("public_jwk", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="signing_keys_pkey"),
    )


def _order_references() -> None:
    op.create_table(
        "order_references",
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("channel_id", "reference", name="order_references_pkey"),
    )


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("buyer", sa.JSON(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("total_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("payment", sa.JSON(), nullable=False),
        sa.Column("payment_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancellation", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("holds", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="orders_pkey"),
        sa.CheckConstraint("revision >= 1", name=op.f("orders_revision")),
        sa.CheckConstraint("total_amount >= 0", name=op.f("orders_total")),
    )
    op.create_index("orders_channel", "orders", ["channel_id", "id"])
    _partial(
        "orders_due",
        "orders",
        ["payment_due_at"],
        "payment_due_at IS NOT NULL AND status = 'payment_required'",
    )


def _reservations() -> None:
    op.create_table(
        "reservations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("offer_id", sa.Text(), nullable=False),
        sa.Column("stock_id", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("unit_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("buyer", sa.JSON(), nullable=False),
        sa.Column("buyer_reference", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("extensions", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("internal", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="reservations_pkey"),
        sa.CheckConstraint("quantity > 0", name=op.f("reservations_quantity")),
        sa.CheckConstraint(
            "status IN ('active', 'consumed', 'released', 'expired')", name=op.f("reservations_status")
        ),
        sa.CheckConstraint("unit_amount >= 0", name=op.f("reservations_unit_amount")),
    )
    op.create_index("reservations_channel", "reservations", ["channel_id", "id"])
    _partial("reservations_due", "reservations", ["expires_at"], "status = 'active'")
    _partial("reservations_stock_due", "reservations", ["stock_id", "expires_at"], "status = 'active'")


def _stocks() -> None:
    op.create_table(
        "stocks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("sold", sa.BigInteger(), nullable=False),
        sa.Column("voided", sa.BigInteger(), nullable=False),
        sa.Column("low_threshold", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="stocks_pkey"),
        sa.CheckConstraint("received = available + reserved + sold + voided", name=op.f("stocks_balance")),
        sa.CheckConstraint(
            "received >= 0 AND available >= 0 AND reserved >= 0 AND sold >= 0 AND voided >= 0",
            name=op.f("stocks_counters"),
        ),
        sa.CheckConstraint("kind IN ('codes', 'counted', 'unlimited')", name=op.f("stocks_kind")),
        sa.CheckConstraint("low_threshold >= 0", name=op.f("stocks_low_threshold")),
    )


def _hold_counts() -> None:
    op.create_table(
        "hold_counts",
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("buyer_reference", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel_id", "buyer_reference", name="hold_counts_pkey"),
        sa.CheckConstraint("quantity >= 0", name=op.f("hold_counts_quantity")),
    )


def _offers() -> None:
    op.create_table(
        "offers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=True),
        sa.Column("product", sa.JSON(), nullable=False),
        sa.Column("price_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("promotion", sa.JSON(), nullable=True),
        sa.Column("restrictions", sa.JSON(), nullable=True),
        sa.Column("buyer_input", sa.JSON(), nullable=True),
        sa.Column("delivery_kind", sa.Text(), nullable=False),
        sa.Column("stock_id", sa.Text(), nullable=False),
        sa.Column("download_url", sa.Text(), nullable=True),
        sa.Column("availability", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="offers_pkey"),
        sa.CheckConstraint("price_amount >= 0", name=op.f("offers_price")),
        sa.CheckConstraint("revision >= 1", name=op.f("offers_revision")),
        sa.CheckConstraint("status IN ('active', 'withdrawn', 'deleted')", name=op.f("offers_status")),
    )
    op.create_index("offers_position_key", "offers", ["position"], unique=True)
    op.create_index("offers_stock", "offers", ["stock_id", "id"])
    _partial("offers_unnumbered", "offers", ["id"], "position IS NULL")


def _units() -> None:
    op.create_table(
        "units",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("stock_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="units_pkey"),
        sa.UniqueConstraint("code_hash", name="units_code_hash_key"),
        sa.CheckConstraint("state <> 'sold' OR order_id IS NOT NULL", name=op.f("units_owner")),
        sa.CheckConstraint("state IN ('available', 'sold', 'voided')", name=op.f("units_state")),
        sa.UniqueConstraint("stock_id", "seq", name="units_stock_id_seq_key"),
    )
    _partial("units_available", "units", ["stock_id", "seq"], "state = 'available'")


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("line_id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("unit_id", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("reveal_count", sa.BigInteger(), nullable=False),
        sa.Column("revealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="deliveries_pkey"),
        sa.CheckConstraint("reveal_count >= 0", name=op.f("deliveries_reveal_count")),
    )
    op.create_index("deliveries_order", "deliveries", ["order_id", "id"])
    _partial(
        "deliveries_unit_key",
        "deliveries",
        ["unit_id"],
        "unit_id IS NOT NULL AND status <> 'voided'",
        unique=True,
    )


def _movements() -> None:
    op.create_table(
        "movements",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("stock_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("reservation_id", sa.Text(), nullable=True),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="movements_pkey"),
        sa.CheckConstraint(
            "kind IN ('receive', 'reserve', 'release', 'expire', 'sell', 'sell_reserved', 'void')",
            name=op.f("movements_kind"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("movements_quantity")),
    )
    op.create_index("movements_stock", "movements", ["stock_id", "id"])


def _reveals() -> None:
    op.create_table(
        "reveals",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="reveals_pkey"),
    )
    op.create_index("reveals_delivery", "reveals", ["delivery_id", "id"])


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="events_pkey"),
        sa.CheckConstraint("attempts >= 0", name=op.f("events_attempts")),
        sa.CheckConstraint(
            "state IN ('pending', 'delivered', 'parked', 'feed_only')", name=op.f("events_state")
        ),
    )
    _partial("events_due", "events", ["channel_id", "next_attempt_at", "id"], "state = 'pending'")
    op.create_index("events_feed_key", "events", ["channel_id", "position"], unique=True)
    _partial("events_unnumbered", "events", ["id"], "position IS NULL")


def _feeds() -> None:
    op.create_table(
        "feeds",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="feeds_pkey"),
    )
