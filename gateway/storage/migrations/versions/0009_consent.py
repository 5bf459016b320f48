"""What buyers allow, what was erased of them, and how the rows that name a buyer are found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Events that show what a buyer is known by or has typed; the others are not indexed.
PERSONAL = "type IN ('order.updated', 'reservation.expired', 'buyer.linked', 'buyer.unlinked')"


def upgrade() -> None:
    """Nobody has decided anything; the buyers of the orders so far are found like those of new ones."""
    _consents("consents", "account_id", "purpose")
    _consents("consent_records", "receipt_id")
    op.create_index("consent_records_account", "consent_records", ["account_id", "receipt_id"])
    _erasures()
    op.add_column("orders", sa.Column("buyer_reference", sa.Text(), nullable=False, server_default=""))
    orders = sa.table("orders", sa.column("buyer", sa.JSON()), sa.column("buyer_reference", sa.Text()))
    named = sa.func.coalesce(orders.c.buyer["reference"].as_string(), "")
    op.execute(sa.update(orders).values(buyer_reference=named))
    op.create_index("orders_buyer", "orders", ["channel_id", "buyer_reference", "id"])
    op.create_index("reservations_buyer", "reservations", ["channel_id", "buyer_reference", "id"])
    _partial("events_personal", "events", PERSONAL, "subject")


def _consents(name: str, *key: str) -> None:
    op.create_table(
        name,
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("receipt_id", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("covered", sa.JSON(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notice", sa.JSON(), nullable=True),
        sa.CheckConstraint("decision IN ('given', 'withdrawn')", name=op.f(f"{name}_decision")),
        *([sa.CheckConstraint("revision >= 1", name=op.f(f"{name}_revision"))] if name == "consents" else []),
        sa.PrimaryKeyConstraint(*key, name=op.f(f"{name}_pkey")),
    )


def _erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("scope IN ('this_channel', 'all_channels')", name=op.f("erasures_scope")),
        sa.PrimaryKeyConstraint("id", name=op.f("erasures_pkey")),
    )
    op.create_index("erasures_account", "erasures", ["account_id", "id"])
    _partial("erasures_open", "erasures", "done_at IS NULL", "id")


def _partial(name: str, table: str, where: str, *columns: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, list(columns), sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    """Forget what buyers have decided."""
    op.drop_index("events_personal", "events")
    op.drop_index("reservations_buyer", "reservations")
    op.drop_index("orders_buyer", "orders")
    with op.batch_alter_table("orders") as orders:
        orders.drop_column("buyer_reference")
    for table in ("erasures", "consent_records", "consents"):
        op.drop_table(table)
