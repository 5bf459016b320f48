"""Allotments: stock that is leased to channels, and offers that allow it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BEFORE = ("receive", "reserve", "release", "expire", "sell", "sell_reserved", "void", "take_back")
ADDED = ("allot", "allot_release", "allot_expire", "sell_allotted")
# In the order in which tables.py writes them.
AFTER = (*BEFORE[:6], *ADDED, *BEFORE[6:])


def upgrade() -> None:
    """Nothing is leased, and nothing may be, until the merchant says so."""
    # SQLite cannot change a check: there the tables are made anew
    with op.batch_alter_table("stocks") as stocks:
        stocks.add_column(sa.Column("allotted", sa.BigInteger(), nullable=False, server_default="0"))
    _counters("reserved", "allotted", "sold", "voided")
    with op.batch_alter_table("offers") as offers:
        offers.add_column(sa.Column("consistency", sa.Text(), nullable=False, server_default="strict"))
        offers.create_check_constraint(op.f("offers_consistency"), "consistency IN ('strict', 'allotment')")
    op.add_column("orders", sa.Column("allotment", sa.JSON(), nullable=True))
    _kinds(AFTER)
    _allotments()


def _allotments() -> None:
    numbers = ("quantity", "sold", "returned", "remaining")
    op.create_table(
        "allotments",
        *(sa.Column(name, sa.Text(), nullable=False)
          for name in ("id", "channel_id", "offer_id", "product_id", "stock_id")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in numbers),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("unit_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recalled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trace_id", sa.Text(), nullable=False),
        sa.Column("counted", sa.JSON(), nullable=True),
        sa.CheckConstraint("quantity > 0", name=op.f("allotments_quantity")),
        sa.CheckConstraint("sold >= 0 AND returned >= 0 AND remaining >= 0", name=op.f("allotments_parts")),
        sa.CheckConstraint("quantity = sold + returned + remaining", name=op.f("allotments_balance")),
        sa.CheckConstraint("(remaining = 0) = (status = 'ended')", name=op.f("allotments_ended")),
        sa.CheckConstraint("status IN ('active', 'recalled', 'ended')", name=op.f("allotments_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("allotments_pkey")),
    )  # fmt: skip
    op.create_index("allotments_channel", "allotments", ["channel_id", "id"])
    due = sa.text("status <> 'ended'")
    op.create_index("allotments_due", "allotments", ["expires_at"], sqlite_where=due, postgresql_where=due)


def downgrade() -> None:
    """Forget leases. Fails where anything was leased, which the schema before has no word for."""
    op.drop_table("allotments")
    _kinds(BEFORE)
    op.drop_column("orders", "allotment")
    with op.batch_alter_table("offers") as offers:
        offers.drop_constraint(op.f("offers_consistency"), type_="check")
        offers.drop_column("consistency")
    _counters("reserved", "sold", "voided")
    with op.batch_alter_table("stocks") as stocks:
        stocks.drop_column("allotted")


def _counters(*parts: str) -> None:
    """The checks of a stock's counters, whose parts beside `available` are these."""
    names = ("received", "available", *parts)
    with op.batch_alter_table("stocks") as stocks:
        for name in ("balance", "counters"):
            stocks.drop_constraint(op.f(f"stocks_{name}"), type_="check")
        stocks.create_check_constraint(
            op.f("stocks_counters"), " AND ".join(f"{name} >= 0" for name in names)
        )
        stocks.create_check_constraint(
            op.f("stocks_balance"), f"received = {' + '.join(('available', *parts))}"
        )


def _kinds(kinds: tuple[str, ...]) -> None:
    with op.batch_alter_table("movements") as movements:
        movements.drop_constraint(op.f("movements_kind"), type_="check")
        movements.create_check_constraint(
            op.f("movements_kind"), f"kind IN ({', '.join(repr(kind) for kind in kinds)})"
        )
