"""Wrong gateways whose log of ownership is not to be trusted. See conformance/mutants/gateway.py."""

from __future__ import annotations

from conformance.mutants import Mutant

WRONG = {
    "log_unwritten": ("OLG-001", "does not log what is refunded"),
    "log_late": ("OLG-002", "merges a change into the log an hour later"),
    "log_hash_wrong": ("OLG-003", "lists plain SHA-256 hashes of the leaves"),
    "log_rewritten": ("OLG-004", "dates entries back when something is refunded"),
    "log_names_buyer": ("OLG-005", "names the buyer in the log"),
    "log_salt_reused": ("OLG-006", "commits to every owner with the same salt"),
    "log_head_forged": ("OLG-010", "signs heads with a key that it does not publish"),
    "log_root_wrong": ("OLG-011", "signs a root that is not that of the leaves"),
    "log_head_stale": ("OLG-012", "gives heads that were signed ten minutes before"),
    "log_forked": ("OLG-013", "shows channels another tree than everybody else"),
    "log_inclusion_wrong": ("OLG-020", "leaves a hash out of its proofs of inclusion"),
    "log_consistency_wrong": ("OLG-021", "gives the hashes of a proof of growth the wrong way round"),
    "log_proves_anything": ("OLG-022", "finds a proof for whatever is asked"),
    "log_private": ("OLG-023", "shows the log to channels only"),
}
OWNERSHIP_LOG = tuple(Mutant(name, frozenset({row[0]}), row[1]) for name, row in WRONG.items())
