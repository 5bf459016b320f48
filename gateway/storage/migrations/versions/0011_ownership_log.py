"""The log of changes of ownership: its entries, the hashes of its tree, and what the tree was at each size."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The log begins empty: what was sold before is in it from its next change on."""
    text, moment, number, raw = sa.Text(), sa.DateTime(timezone=True), sa.BigInteger(), sa.LargeBinary()
    op.create_table(
        "log_entries",
        sa.Column("id", text, nullable=False),
        sa.Column("entitlement_id", text, nullable=False),
        sa.Column("leaf", text, nullable=False),
        sa.Column("leaf_hash", raw, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("position", number, nullable=True),
        sa.Column("leaf_index", number, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("log_entries_pkey")),
        sa.UniqueConstraint("leaf_hash", name=op.f("log_entries_leaf_hash_key")),
    )
    op.create_index("log_entries_position_key", "log_entries", ["position"], unique=True)
    op.create_index("log_entries_leaf_index_key", "log_entries", ["leaf_index"], unique=True)
    op.create_index("log_entries_entitlement", "log_entries", ["entitlement_id", "position"])
    waiting = sa.text("leaf_index IS NULL")
    op.create_index(
        "log_entries_waiting", "log_entries", ["position"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_table(
        "log_tiles",
        sa.Column("id", text, nullable=False),
        sa.Column("hashes", raw, nullable=False),
        sa.CheckConstraint("length(hashes) <= 256 * 32", name=op.f("log_tiles_hashes")),
        sa.PrimaryKeyConstraint("id", name=op.f("log_tiles_pkey")),
    )
    op.create_table(
        "log_heads",
        sa.Column("tree_size", number, nullable=False),
        sa.Column("root_hash", raw, nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.CheckConstraint("tree_size >= 0", name=op.f("log_heads_tree_size")),
        sa.PrimaryKeyConstraint("tree_size", name=op.f("log_heads_pkey")),
    )
    # the head of the empty tree, which is also the lock of who merges
    heads = sa.table("log_heads", sa.column("tree_size"), sa.column("root_hash", raw), sa.column("at", text))
    row = {
        "tree_size": 0,
        "root_hash": hashlib.sha256(b"").digest(),
        "at": "1970-01-01T00:00:00.000000+00:00",
    }
    at = sa.cast(sa.literal(row["at"]), moment) if op.get_bind().dialect.name == "postgresql" else row["at"]
    op.execute(sa.insert(heads).values(row | {"at": at}))


def downgrade() -> None:
    """Forget the log."""
    op.drop_table("log_heads")
    op.drop_table("log_tiles")
    op.drop_table("log_entries")
