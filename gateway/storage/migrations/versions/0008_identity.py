"""Who a buyer is over all channels: accounts, what they have proved, and the buyers they make up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TEXT, NUMBER, MOMENT, BYTES, JSON = (
    sa.Text(),
    sa.BigInteger(),
    sa.DateTime(timezone=True),
    sa.LargeBinary(),
    sa.JSON(),
)
TABLES = (
    "buyer_changes",
    "mails",
    "proof_counts",
    "link_codes",
    "links",
    "identifiers",
    "contacts",
    "buyers",
    "account_names",
    "accounts",
)


def upgrade() -> None:
    """Nobody is known yet: accounts are made when they are first resolved."""
    _accounts()
    _proved()
    _links()
    _mails()
    _table(
        "buyer_changes",
        [("id", TEXT), ("kind", TEXT), ("channel_id", TEXT), ("account_id", TEXT), ("link_id", TEXT, True),
         ("before", JSON), ("after", JSON), ("note", TEXT, True), ("at", MOMENT), ("trace_id", TEXT)],
        _check("buyer_changes_kind", "kind IN ('joined', 'split', 'tier')"),
    )  # fmt: skip
    op.create_index("buyer_changes_account", "buyer_changes", ["account_id", "id"])


def _accounts() -> None:
    _table(
        "accounts",
        [("id", TEXT), ("channel_id", TEXT), ("subject", TEXT), ("buyer_id", TEXT), ("created_at", MOMENT),
         ("revision", NUMBER), ("locale", TEXT, True), ("tier", TEXT), ("tier_set_at", MOMENT, True)],
        sa.UniqueConstraint("channel_id", "subject", name=op.f("accounts_channel_id_subject_key")),
    )  # fmt: skip
    op.create_index("accounts_buyer", "accounts", ["buyer_id", "id"])
    names = [("channel_id", TEXT), ("subject", TEXT), ("account_id", TEXT)]
    _table("account_names", names, key=("channel_id", "subject"))
    buyers = [("id", TEXT), ("revision", NUMBER), ("created_at", MOMENT)]
    _table("buyers", buyers, _check("buyers_revision", "revision >= 1"))


def _proved() -> None:
    _table(
        "contacts",
        [("account_id", TEXT), ("kind", TEXT), ("sealed", BYTES, True), ("key_id", TEXT, True),
         ("identifier_id", TEXT), ("given_at", MOMENT)],
        _check("contacts_kind", "kind IN ('email', 'phone')"),
        key=("account_id", "kind"),
    )  # fmt: skip
    _table(
        "identifiers",
        [("id", TEXT), ("kind", TEXT), ("sealed", BYTES, True), ("key_id", TEXT, True), ("accounts", JSON),
         ("created_at", MOMENT)],
    )  # fmt: skip


def _links() -> None:
    _table(
        "links",
        [("id", TEXT), ("account_id", TEXT), ("kind", TEXT), ("status", TEXT), ("revision", NUMBER),
         ("created_at", MOMENT), ("expires_at", MOMENT), ("trace_id", TEXT), ("secret_hash", BYTES, True),
         ("sealed", BYTES, True), ("key_id", TEXT, True), ("issuer", TEXT, True), ("attempts", NUMBER),
         ("identifier_id", TEXT, True), ("peer_account_id", TEXT, True), ("peer_link_id", TEXT, True),
         ("confirmed_at", MOMENT, True), ("ended_at", MOMENT, True)],
        _check("links_status", "status IN ('pending', 'confirmed', 'ended')"),
        _check("links_edge", "status <> 'confirmed' OR (identifier_id IS NULL) <> (peer_account_id IS NULL)"),
    )  # fmt: skip
    op.create_index("links_account", "links", ["account_id", "id"])
    _partial("links_pending", "links", "status = 'pending'", "expires_at")
    _partial("links_ended", "links", "status = 'ended'", "ended_at")
    _table("link_codes", [("code_hash", TEXT), ("link_id", TEXT), ("expires_at", MOMENT)], key=("code_hash",))
    op.create_index("link_codes_age", "link_codes", ["expires_at"])
    _table("proof_counts", [("subject", TEXT), ("times", JSON), ("last_at", MOMENT)], key=("subject",))
    op.create_index("proof_counts_age", "proof_counts", ["last_at"])


def _mails() -> None:
    _table(
        "mails",
        [("id", TEXT), ("link_id", TEXT), ("identifier_id", TEXT), ("sealed", BYTES, True), ("key_id", TEXT, True),
         ("state", TEXT), ("attempts", NUMBER), ("next_attempt_at", MOMENT), ("last_error", TEXT, True),
         ("created_at", MOMENT), ("expires_at", MOMENT), ("trace_id", TEXT)],
        _check("mails_state", "state IN ('pending', 'sent', 'parked')"),
    )  # fmt: skip
    op.create_index("mails_to", "mails", ["identifier_id", "id"])
    op.create_index("mails_age", "mails", ["expires_at"])
    _partial("mails_due", "mails", "state = 'pending'", "next_attempt_at", "id")


def _table(
    name: str,
    columns: Sequence[tuple[Any, ...]],
    *constraints: sa.Constraint,
    key: tuple[str, ...] = ("id",),
) -> None:
    """Columns are name and type, and True for one that may be NULL."""
    made = [sa.Column(one[0], one[1], nullable=len(one) > 2) for one in columns]
    op.create_table(name, *made, *constraints, sa.PrimaryKeyConstraint(*key, name=op.f(f"{name}_pkey")))


def _check(name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(name))


def _partial(name: str, table: str, where: str, *columns: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, list(columns), sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    """Forget who is who."""
    for name in TABLES:
        op.drop_table(name)
