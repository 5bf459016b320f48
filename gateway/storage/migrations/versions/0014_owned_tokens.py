"""What is a token says in the entitlement where it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tokens that were delivered before are named as well."""
    op.add_column("entitlements", sa.Column("asset", sa.Text(), nullable=True))
    op.execute(
        "UPDATE entitlements SET asset = tokens.id FROM tokens WHERE tokens.delivery_id = entitlements.delivery_id"
    )


def downgrade() -> None:
    """The tokens' own table still has it."""
    op.drop_column("entitlements", "asset")
