"""After the sale: refunds and disputes of an order, replaced deliveries, and stock that is taken back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BEFORE = "kind IN ('receive', 'reserve', 'release', 'expire', 'sell', 'sell_reserved', 'void')"
AFTER = "kind IN ('receive', 'reserve', 'release', 'expire', 'sell', 'sell_reserved', 'void', 'take_back')"


def upgrade() -> None:
    """Add what there is to know; orders of before have neither refunds nor disputes."""
    for name in ("refunds", "disputes"):
        op.add_column("orders", sa.Column(name, sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("deliveries", sa.Column("replaces", sa.Text(), nullable=True))
    _kinds(AFTER)


def downgrade() -> None:
    """Forget refunds and disputes. Fails where stock was taken back, which the first schema has no word for."""
    _kinds(BEFORE)
    op.drop_column("deliveries", "replaces")
    for name in ("disputes", "refunds"):
        op.drop_column("orders", name)


def _kinds(new: str) -> None:
    # SQLite cannot change a check: there the table is made anew
    with op.batch_alter_table("movements") as movements:
        movements.drop_constraint(op.f("movements_kind"), type_="check")
        movements.create_check_constraint(op.f("movements_kind"), new)
