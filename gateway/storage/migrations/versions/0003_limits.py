"""Limits: safety stock, limits per buyer and channel, what became of holds, and alerts to the merchant."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# What is noted beside what was there before: nothing of what was sold or held so far counts against a limit.
NOTED = (
    ("stocks", "holding"),
    ("offers", "channel_limits"),
    ("reservations", "counted"),
    ("hold_counts", "stocks"),
    ("orders", "counted"),
)


def upgrade() -> None:
    """Nothing is kept back and nothing limited until the merchant says so."""
    # SQLite cannot add a check: there the table is made anew
    with op.batch_alter_table("stocks") as stocks:
        stocks.add_column(sa.Column("safety", sa.BigInteger(), nullable=False, server_default="0"))
        stocks.create_check_constraint(op.f("stocks_safety"), "safety >= 0")
    for table, column in NOTED:
        op.add_column(table, sa.Column(column, sa.JSON(), nullable=True))
    op.create_table(
        "sale_counts",
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("days", sa.JSON(), nullable=False),
        sa.CheckConstraint("quantity >= 0", name=op.f("sale_counts_quantity")),
        sa.CheckConstraint("scope IN ('buyer', 'channel')", name=op.f("sale_counts_scope")),
        sa.PrimaryKeyConstraint("product_id", "scope", "subject", name=op.f("sale_counts_pkey")),
    )
    _alerts()


def _alerts() -> None:
    op.create_table(
        "stock_watches",
        sa.Column("stock_id", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("selling_out", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("level IN ('ok', 'low', 'sold_out')", name=op.f("stock_watches_level")),
        sa.PrimaryKeyConstraint("stock_id", name=op.f("stock_watches_pkey")),
    )
    _partial("stock_watches_told", "stock_watches", "level <> 'ok' OR selling_out", "stock_id")
    op.create_table(
        "alerts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("stock_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("attempts >= 0", name=op.f("alerts_attempts")),
        sa.CheckConstraint(
            "state IN ('pending', 'delivered', 'parked', 'logged')", name=op.f("alerts_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("alerts_pkey")),
    )
    _partial("alerts_due", "alerts", "state = 'pending'", "next_attempt_at", "id")


def _partial(name: str, table: str, where: str, *columns: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, list(columns), sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    """Forget limits and alerts, and sell what was kept back."""
    op.drop_table("alerts")
    op.drop_table("stock_watches")
    op.drop_table("sale_counts")
    for table, column in reversed(NOTED):
        op.drop_column(table, column)
    with op.batch_alter_table("stocks") as stocks:
        stocks.drop_constraint(op.f("stocks_safety"), type_="check")
        stocks.drop_column("safety")
