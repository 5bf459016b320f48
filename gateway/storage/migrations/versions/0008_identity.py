"""Who a buyer is over all channels: accounts, and the buyers they make up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody is known yet: accounts are made when they are first resolved."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("buyer_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("accounts_pkey")),
        sa.UniqueConstraint("channel_id", "subject", name=op.f("accounts_channel_id_subject_key")),
    )
    op.create_index("accounts_buyer", "accounts", ["buyer_id", "id"])
    op.create_table(
        "buyers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("revision >= 1", name=op.f("buyers_revision")),
        sa.PrimaryKeyConstraint("id", name=op.f("buyers_pkey")),
    )


def downgrade() -> None:
    """Forget who is who."""
    op.drop_table("buyers")
    op.drop_table("accounts")
