"""What of limited products a buyer has, found by the buyer, and the offers of a product."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The offers so far are found like new ones."""
    op.add_column("offers", sa.Column("product_id", sa.Text(), nullable=False, server_default=""))
    offers = sa.table("offers", sa.column("product", sa.JSON()), sa.column("product_id", sa.Text()))
    named = sa.func.coalesce(offers.c.product["id"].as_string(), "")
    op.execute(sa.update(offers).values(product_id=named))
    op.create_index("offers_product", "offers", ["product_id", "id"])
    op.create_index("sale_counts_subject", "sale_counts", ["subject", "product_id"])


def downgrade() -> None:
    """Without them it would read whole tables."""
    op.drop_index("sale_counts_subject", "sale_counts")
    op.drop_index("offers_product", "offers")
    with op.batch_alter_table("offers") as offers:
        offers.drop_column("product_id")
