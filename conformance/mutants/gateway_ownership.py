"""Wrong gateways by whom nothing is safely owned. See conformance/mutants/gateway.py."""

from __future__ import annotations

from conformance.mutants import Mutant

WRONG = {
    "owned_not_named": ("OWN-001", "names the entitlement of the first of two deliveries in the second"),
    "owned_not_listed": ("OWN-002", "leaves the oldest of three entitlements out of the list"),
    "owned_leaks": ("OWN-003", "shows entitlements to channels that never had them"),
    "owned_elsewhere": ("OWN-004", "shows what she owns by another channel without her consent"),
    "owned_after_refund": ("OWN-005", "shows what was refunded as active"),
    "owned_while_disputed": ("OWN-006", "shows what is disputed as active"),
    "owned_after_dismissal": ("OWN-007", "shows what is disputed no more as suspended"),
    "owned_lost_on_replacement": ("OWN-008", "goes on naming the delivery that was replaced"),
    "consumed_again": ("OWN-009", "lets an entitlement be used up twice"),
    "owned_for_ever": ("OWN-010", "never lets an entitlement expire"),
    "owned_silently": ("OWN-011", "tells no changes of entitlements"),
    "history_forgets": ("OWN-012", "leaves the issue out of the history"),
    "owned_out_of_turn": ("OWN-013", "suspends what was revoked"),
    "certificate_unsigned": ("OWN-014", "signs certificates with a key that it does not publish"),
    "certificate_salt_again": ("OWN-015", "uses the same salts in all certificates"),
    "certificate_names_buyer": ("OWN-016", "puts the buyer's id into certificates"),
    "certificate_without_decoys": ("OWN-017", "has as many digests as there is to disclose"),
    "certificate_any_key": ("OWN-018", "binds certificates to keys that cannot sign"),
    "certificate_of_consumed": ("OWN-019", "certifies what is used up"),
    "status_list_for_ever": ("OWN-020", "signs status lists without an end"),
    "status_stays": ("OWN-021", "lets certificates of what is suspended be valid"),
    "status_index_again": ("OWN-022", "gives two entitlements one place in the list"),
    "old_keys_dropped": ("OWN-023", "publishes no key but the one that signs now"),
    "verifies_anything": ("OWN-024", "takes disclosures that are not the certificate's"),
    "verifies_unbound": ("OWN-025", "does without the holder's proof when one is asked for"),
    "transfer_shows_code": ("OWN-026", "shows the code of a transfer again"),
    "transfer_half_done": ("OWN-027", "shows the old owner what she has handed on as active"),
    "transfer_code_again": ("OWN-028", "takes a code as often as it is entered"),
    "transfer_anything": ("OWN-029", "lets be handed on what never may be"),
    "transfer_twice": ("OWN-030", "lets an entitlement be offered to two"),
    "transfer_declined_open": ("OWN-031", "takes the code of an offer that was declined"),
    "transfer_old_reveals": ("OWN-032", "reveals to the channel of who has handed it on"),
    "transfer_status_stays": ("OWN-033", "lets the old owner's certificate be valid"),
    "transfer_refunded": ("OWN-034", "refunds what is another's by now"),
    "transfer_silent": ("OWN-035", "tells the old owner's channel nothing"),
    "transfer_names_order": ("OWN-036", "shows the new owner's channel the order of the old one"),
}
OWNERSHIP = tuple(Mutant(name, frozenset({row[0]}), row[1]) for name, row in WRONG.items())
