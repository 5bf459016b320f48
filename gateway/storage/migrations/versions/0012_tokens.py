"""Tokens on a chain, and how far it has been read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing has been minted yet."""
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=True),
        sa.Column("moved", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("tokens_pkey")),
    )
    op.create_table(
        "chain_marks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("block >= 0", name=op.f("chain_marks_block")),
        sa.PrimaryKeyConstraint("id", name=op.f("chain_marks_pkey")),
    )


def downgrade() -> None:
    """Forget which token is whose; the chain knows."""
    op.drop_table("chain_marks")
    op.drop_table("tokens")
