"""Wrong gateways that use, hand out or keep more of a buyer's data than she allows, or less. See gateway.py."""

from __future__ import annotations

from conformance.mutants import Mutant

WRONG = {
    "purpose_untold": ("CNS-001", "lists only the purposes that were decided"),
    "decision_unshown": ("CNS-002", "lists purposes without what was decided"),
    "contract_decided": ("CNS-003", "lets a buyer withdraw what her orders need"),
    "past_consent_taken": ("CNS-004", "takes consents that are over, and for channels that there are not"),
    "decision_repeated": ("CNS-005", "makes a new decision of the same one"),
    "decision_apart": ("CNS-006", "lets a decision count for its own account only"),
    "consent_endless": ("CNS-007", "uses data by consents that have ended"),
    "consent_untold": ("CNS-008", "tells a decision only to the channel that sent it"),
    "receipt_unsigned": ("CNS-010", "signs receipts with a key that it does not publish"),
    "receipt_other": ("CNS-011", "writes receipts for all channels, whatever was decided"),
    "receipt_in_one_language": ("CNS-012", "writes every receipt in English"),
    "receipts_forgotten": ("CNS-013", "keeps only the newest receipt"),
    "data_crosses": ("CNS-014", "shows a channel what linked accounts did elsewhere"),
    "withdrawal_late": ("CNS-015", "goes on by a consent that is withdrawn"),
    "use_without_reason": ("CNS-016", "gives one reason for all uses of data"),
    "export_without_manifest": ("CNS-019", "hands out an archive that does not say what it is"),
    "export_short": ("CNS-020", "leaves the newest order out of an export"),
    "export_with_goods": ("CNS-021", "puts codes into exports"),
    "proof_ignored": ("CNS-022", "exports the same with a proof, a wrong proof and none"),
    "proof_reaches_all": ("CNS-022", "takes the proof of one thing for all that the buyer has"),
    "erasure_silent": ("CNS-023", "does not say what it keeps"),
    "erasure_shallow": ("CNS-024", "erases the account and leaves the name in orders and events"),
    "erasure_too_deep": ("CNS-025", "erases orders with their buyer"),
    "erasure_of_open_orders": ("CNS-026", "erases buyers in the middle of an order"),
    "erased_remembered": ("CNS-027", "gives a new buyer the decisions of an erased one"),
    "erasure_unrepeatable": ("CNS-028", "answers a second erasure with not_found"),
}
CONSENT = tuple(Mutant(name, frozenset({row[0]}), row[1], verdict="fail") for name, row in WRONG.items())
