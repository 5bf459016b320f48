"""Goods made on demand: who makes an offer's units, and each unit that is to be made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STATES = ("waiting", "asked", "made", "refused", "cancelled", "parked")


def upgrade() -> None:
    """All that is sold so far comes from stock."""
    op.add_column("offers", sa.Column("supplier", sa.Text(), nullable=True))
    text, moment = sa.Text(), sa.DateTime(timezone=True)
    op.create_table(
        "supplies",
        sa.Column("id", text, nullable=False),
        sa.Column("order_id", text, nullable=False),
        sa.Column("line_id", text, nullable=False),
        sa.Column("unit", sa.BigInteger(), nullable=False),
        sa.Column("offer_id", text, nullable=False),
        sa.Column("supplier", text, nullable=False),
        sa.Column("state", text, nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_at", moment, nullable=False),
        sa.Column("asked_at", moment, nullable=True),
        sa.Column("give_up_at", moment, nullable=False),
        sa.Column("delivery_id", text, nullable=True),
        sa.Column("last_error", text, nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("trace_id", text, nullable=False),
        sa.CheckConstraint(f"state IN ({', '.join(map(repr, STATES))})", name=op.f("supplies_state")),
        sa.CheckConstraint("attempts >= 0", name=op.f("supplies_attempts")),
        sa.CheckConstraint("(state = 'made') = (delivery_id IS NOT NULL)", name=op.f("supplies_delivery")),
        sa.PrimaryKeyConstraint("id", name=op.f("supplies_pkey")),
    )
    op.create_index("supplies_order", "supplies", ["order_id", "id"])
    _partial("supplies_due", "state IN ('waiting', 'asked')", "supplier", "next_attempt_at", "id")
    _partial("supplies_parked", "state = 'parked'", "id")
    op.create_table(
        "supplied_codes",
        sa.Column("code_hash", text, nullable=False),
        sa.Column("supply_id", text, nullable=False),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("supplied_codes_pkey")),
    )


def _partial(name: str, where: str, *columns: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "supplies", list(columns), sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    """Forget what is made on demand; its offers sell without limit from then on."""
    op.drop_table("supplied_codes")
    op.drop_table("supplies")
    op.drop_column("offers", "supplier")
