"""The tables of what buyers own, of the log of it, and of tokens (gateway/core/model_ownership.py). See tables.py."""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint

from gateway.core import model_ownership, model_ownership_log, model_tokens
from gateway.storage.columns import check, one_of, partial, table

entitlements = table(
    model_ownership.Entitlement,
    "entitlements",
    # transferred: a token, on its chain, to somebody whom nobody here knows
    one_of("status", "active", "suspended", "consumed", "transferred", "revoked", "expired"),
    one_of("transferable", "always", "until_revealed", "never"),
    check("revision", "revision >= period AND period >= 1"),
    check("place", "(status_list_id IS NULL) = (status_index IS NULL)"),
    Index("entitlements_account", "account_id", "id"),
    # a place in a status list is one owner's
    partial(
        "entitlements_place_key",
        "status_list_id IS NOT NULL",
        "status_list_id",
        "status_index",
        unique=True,
    ),
    partial("entitlements_due", "expires_at IS NOT NULL AND status IN ('active', 'suspended')", "expires_at"),
)
ownership_changes = table(
    model_ownership.OwnershipChange,
    "ownership_changes",
    Index("ownership_changes_entitlement", "entitlement_id", "revision", "id"),
    Index("ownership_changes_account", "account_id"),
    partial("ownership_changes_from", "from_account_id IS NOT NULL", "from_account_id"),
)
transfers = table(
    model_ownership.Transfer,
    "transfers",
    one_of("status", "offered", "accepted", "declined", "cancelled", "expired"),
    Index("transfers_account", "account_id"),
    partial("transfers_due", "status = 'offered'", "expires_at"),
)
status_counters = table(model_ownership.StatusCounter, "status_counters", check("used", "used >= 0"))
status_lists = table(model_ownership.StatusList, "status_lists", check("revision", "revision >= 1"))
status_entries = table(
    model_ownership.StatusEntry,
    "status_entries",
    check("status", "status IN (0, 1, 2)"),
    partial("status_entries_list", "status <> 0", "list_id", "place"),
)
log_entries = table(
    model_ownership_log.LogEntry,
    "log_entries",
    UniqueConstraint("leaf_hash"),
    Index("log_entries_position_key", "position", unique=True),
    Index("log_entries_leaf_index_key", "leaf_index", unique=True),
    Index("log_entries_entitlement", "entitlement_id", "position"),
    partial("log_entries_waiting", "leaf_index IS NULL", "position"),
)
tokens = table(model_tokens.Token, "tokens")
chain_marks = table(model_tokens.ChainMark, "chain_marks", check("block", "block >= 0"))
log_tiles = table(model_ownership_log.LogTile, "log_tiles", check("hashes", "length(hashes) <= 256 * 32"))
log_heads = table(model_ownership_log.LogHead, "log_heads", check("tree_size", "tree_size >= 0"))
