"""Indexes by which what has been kept for long enough is found; and when the set of a buyer's accounts has changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

NAMED = "substr(buyer_reference, 1, 7) <> 'erased:'"
ORDERS = (
    "status NOT IN ('created', 'disputed', 'fulfilling', 'paid', 'payment_required', 'verification_required')"
    f" AND {NAMED}"
)


def upgrade() -> None:
    """Until here, the job read these tables from end to end each hour."""
    _partial("orders_named", "orders", ORDERS, "updated_at")
    _partial("reservations_named", "reservations", f"status <> 'active' AND {NAMED}", "expires_at")
    op.create_index("consent_records_age", "consent_records", ["decided_at"])
    op.add_column("accounts", sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True))


def _partial(name: str, table: str, where: str, column: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, [column, "id"], sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    """It finds the same without them."""
    op.drop_column("accounts", "moved_at")
    op.drop_index("consent_records_age", "consent_records")
    op.drop_index("reservations_named", "reservations")
    op.drop_index("orders_named", "orders")
