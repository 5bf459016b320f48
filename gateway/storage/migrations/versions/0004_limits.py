"""Limits: safety stock, limits per buyer and channel, what became of holds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
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


def downgrade() -> None:
    """Forget limits, and sell what was kept back."""
    op.drop_table("sale_counts")
    for table, column in reversed(NOTED):
        op.drop_column(table, column)
    with op.batch_alter_table("stocks") as stocks:
        stocks.drop_constraint(op.f("stocks_safety"), type_="check")
        stocks.drop_column("safety")
