"""Indexes by which an erasure finds what it takes out."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
INDEXES = {
    "transfers_account": ("transfers", "account_id"),
    "ownership_changes_account": ("ownership_changes", "account_id"),
    "link_codes_link": ("link_codes", "link_id"),
    "mails_link": ("mails", "link_id"),
}


def upgrade() -> None:
    """Until here, each erasure read these tables from end to end."""
    for name, (table, column) in INDEXES.items():
        op.create_index(name, table, [column])


def downgrade() -> None:
    """Slow again."""
    for name, (table, _) in INDEXES.items():
        op.drop_index(name, table)
