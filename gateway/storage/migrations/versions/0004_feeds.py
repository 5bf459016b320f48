"""The feeds are numbered when their rows are written: one counter for both, and no row without a position."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Number what has no number yet, from one counter from now on."""
    link = op.get_bind()
    link.execute(
        sa.text("INSERT INTO feeds (name, position) SELECT 'all', coalesce(max(position), 0) FROM feeds")
    )
    link.execute(sa.text("DELETE FROM feeds WHERE name <> 'all'"))
    for table in ("offers", "events"):
        _number(link, table)
        op.drop_index(f"{table}_unnumbered", table_name=table)


def downgrade() -> None:
    """Two counters again."""
    link = op.get_bind()
    for name in ("offers", "events"):
        link.execute(
            sa.text("INSERT INTO feeds (name, position) SELECT :name, max(position) FROM feeds"),
            {"name": name},
        )
    link.execute(sa.text("DELETE FROM feeds WHERE name = 'all'"))
    for table in ("offers", "events"):
        where = sa.text("position IS NULL")
        op.create_index(f"{table}_unnumbered", table, ["id"], sqlite_where=where, postgresql_where=where)


def _number(link: sa.Connection, table: str) -> None:
    """What a process had not numbered yet when it stopped, in the order of ids."""
    ids = sa.text(f"SELECT id FROM {table} WHERE position IS NULL ORDER BY id")  # noqa: S608
    numbered = sa.text(f"UPDATE {table} SET position = :position WHERE id = :id")  # noqa: S608
    position = link.execute(sa.text("SELECT position FROM feeds")).scalar_one()
    waiting = [row[0] for row in link.execute(ids)]
    for place, row_id in enumerate(waiting, position + 1):
        link.execute(numbered, {"position": place, "id": row_id})
    link.execute(sa.text("UPDATE feeds SET position = :position"), {"position": position + len(waiting)})
