"""Wrong gateways that seal badly, or should not have sold at all. See conformance/mutants/gateway.py."""

from __future__ import annotations

from conformance.mutants import Mutant

WRONG = {
    "sealed_in_clear": ("DLV-020", "shows the goods though the order has a key"),
    "sealed_otherwise": ("DLV-021", "seals with A128GCM"),
    "sealed_other_alg": ("DLV-021", "seals by ECDH-ES whatever the key names"),
    "sealed_to_another": ("DLV-022", "seals to another key than the order's"),
    "sealed_kid": ("DLV-023", "gives the key another name than its thumbprint"),
    "sealed_unnamed": ("DLV-024", "names another delivery in the header"),
    "private_key_taken": ("DLV-025", "takes private keys"),
    "any_curve": ("DLV-026", "takes any kind of key"),
    "any_key_use": ("DLV-027", "takes keys for signatures"),
    "key_ignored": ("DLV-028", "sells in the clear to who asks for sealed goods"),
    "replacement_in_clear": ("DLV-029", "shows a replacement in the clear"),
    "late_in_clear": ("DLV-030", "shows in the clear what is paid later"),
    "seal_unseen": ("DLV-031", "does not say to which key a delivery is sealed"),
    "sealed_uncounted": ("DLV-033", "does not count reveals of sealed goods"),
}
SEALING = tuple(Mutant(name, frozenset({row[0]}), row[1], verdict="fail") for name, row in WRONG.items())
