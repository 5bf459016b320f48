"""What buyers own: entitlements, their history, offers to hand them on, and the status of certificates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TEXT, MOMENT, NUMBER = sa.Text(), sa.DateTime(timezone=True), sa.BigInteger()
STATUSES = ("active", "suspended", "consumed", "revoked", "expired")
RULES = ("always", "until_revealed", "never")
OFFERS = ("offered", "accepted", "declined", "cancelled", "expired")


def upgrade() -> None:
    """Who owns what was sold before is found when the gateway starts: only its vault can name a buyer."""
    op.add_column("deliveries", sa.Column("entitlement_id", TEXT, nullable=True))
    _partial("deliveries_unowned", "deliveries", "entitlement_id IS NULL AND status <> 'voided'", "id")
    _entitlements()
    _history()
    _statuses()


def _entitlements() -> None:
    name = "entitlements"
    op.create_table(
        name,
        *(sa.Column(one, TEXT, nullable=False) for one in ("id", "delivery_id", "order_id", "account_id")),
        *(sa.Column(one, TEXT, nullable=False) for one in ("channel_id", "status")),
        *(sa.Column(one, NUMBER, nullable=False) for one in ("revision", "period")),
        sa.Column("product", sa.JSON(), nullable=False),
        sa.Column("transferable", TEXT, nullable=False),
        *(sa.Column(one, MOMENT, nullable=False) for one in ("acquired_at", "created_at")),
        *(sa.Column(one, MOMENT, nullable=True) for one in ("expires_at", "ended_at")),
        *(sa.Column(one, TEXT, nullable=True) for one in ("transfer_id", "status_list_id")),
        sa.Column("status_index", NUMBER, nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=True),
        _one_of(name, "status", STATUSES),
        _one_of(name, "transferable", RULES),
        sa.CheckConstraint("revision >= period AND period >= 1", name=op.f("entitlements_revision")),
        sa.CheckConstraint(
            "(status_list_id IS NULL) = (status_index IS NULL)", name=op.f("entitlements_place")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("entitlements_pkey")),
    )
    op.create_index("entitlements_account", name, ["account_id", "id"])
    placed = "status_list_id IS NOT NULL"
    _partial("entitlements_place_key", name, placed, "status_list_id", "status_index", unique=True)
    due = "expires_at IS NOT NULL AND status IN ('active', 'suspended')"
    _partial("entitlements_due", name, due, "expires_at")


def _history() -> None:
    op.create_table(
        "ownership_changes",
        *(sa.Column(one, TEXT, nullable=False) for one in ("id", "entitlement_id", "change")),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("revision", NUMBER, nullable=False),
        *(sa.Column(one, TEXT, nullable=False) for one in ("account_id", "channel_id")),
        *(sa.Column(one, TEXT, nullable=True) for one in ("from_account_id", "from_channel_id")),
        sa.Column("from_acquired_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("ownership_changes_pkey")),
    )
    op.create_index(
        "ownership_changes_entitlement", "ownership_changes", ["entitlement_id", "revision", "id"]
    )
    given = "from_account_id IS NOT NULL"
    _partial("ownership_changes_from", "ownership_changes", given, "from_account_id")
    op.create_table(
        "transfers",
        *(sa.Column(one, TEXT, nullable=False) for one in ("id", "entitlement_id", "account_id")),
        *(sa.Column(one, TEXT, nullable=False) for one in ("channel_id", "status")),
        sa.Column("revision", NUMBER, nullable=False),
        *(sa.Column(one, MOMENT, nullable=False) for one in ("created_at", "expires_at")),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("to_channel_id", TEXT, nullable=True),
        _one_of("transfers", "status", OFFERS),
        sa.PrimaryKeyConstraint("id", name=op.f("transfers_pkey")),
    )
    _partial("transfers_open_key", "transfers", "status = 'offered'", "entitlement_id", unique=True)
    _partial("transfers_due", "transfers", "status = 'offered'", "expires_at")


def _statuses() -> None:
    op.create_table(
        "status_counters",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("used", NUMBER, nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("status_counters_used")),
        sa.PrimaryKeyConstraint("name", name=op.f("status_counters_pkey")),
    )
    op.create_table(
        "status_lists",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("revision", NUMBER, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("revision >= 1", name=op.f("status_lists_revision")),
        sa.PrimaryKeyConstraint("id", name=op.f("status_lists_pkey")),
    )
    op.create_table(
        "status_entries",
        *(sa.Column(one, TEXT, nullable=False) for one in ("id", "list_id")),
        *(sa.Column(one, NUMBER, nullable=False) for one in ("place", "status")),
        sa.CheckConstraint("status IN (0, 1, 2)", name=op.f("status_entries_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("status_entries_pkey")),
    )
    _partial("status_entries_list", "status_entries", "status <> 0", "list_id", "place")


def _one_of(table: str, column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} IN ({', '.join(map(repr, values))})", name=op.f(f"{table}_{column}"))


def _partial(name: str, table: str, where: str, *columns: str, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(
        name, table, list(columns), unique=unique, sqlite_where=condition, postgresql_where=condition
    )


def downgrade() -> None:
    """Forget who owns what; what was handed on is its first channel's again."""
    for table in ("status_entries", "status_lists", "status_counters", "transfers", "ownership_changes"):
        op.drop_table(table)
    op.drop_table("entitlements")
    op.drop_index("deliveries_unowned", "deliveries")
    op.drop_column("deliveries", "entitlement_id")
