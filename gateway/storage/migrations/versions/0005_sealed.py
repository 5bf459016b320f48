"""Sealed delivery: the buyer's key of an order, deliveries for that key, and units whose code has left the vault."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

VAULT = (("sealed", sa.LargeBinary()), ("key_id", sa.Text()))


def upgrade() -> None:
    """Nothing of before is sealed to anyone."""
    op.add_column("orders", sa.Column("recipient_key", sa.JSON(), nullable=True))
    op.add_column("deliveries", sa.Column("sealed_to", sa.Text(), nullable=True))
    _units(nullable=True)


def downgrade() -> None:
    """Fails where a code has been sealed to its buyer: the schema before has no place for a unit without one."""
    _units(nullable=False)
    op.drop_column("deliveries", "sealed_to")
    op.drop_column("orders", "recipient_key")


def _units(nullable: bool) -> None:
    # SQLite cannot change a column: there the table is made anew
    with op.batch_alter_table("units") as units:
        for name, kind in VAULT:
            units.alter_column(name, existing_type=kind, nullable=nullable)
