"""Wrong gateways that take a passkey for hers which is not, or tell of it. See conformance/mutants/gateway.py."""

from __future__ import annotations

from conformance.mutants import Mutant

WRONG = {
    "passkey_alone": ("PSK-001", "links nobody by passkeys"),
    "passkey_code_early": ("PSK-002", "shows the code before a passkey was used"),
    "passkey_code_told": ("PSK-002", "tells who gives a wrong credential what the code is"),
    "passkey_shown": ("PSK-003", "shows channels the id of the passkey that a link was proved with"),
    "passkey_handle_known": ("PSK-003", "makes passkeys with the buyer's id for a user handle"),
    "passkey_any_challenge": ("PSK-004", "takes credentials for whatever challenge"),
    "passkey_any_origin": ("PSK-005", "takes credentials of whatever page"),
    "passkey_any_port": ("PSK-005", "does not look at the port of the page"),
    "passkey_any_party": ("PSK-006", "takes credentials of whatever relying party"),
    "passkey_unverified": ("PSK-007", "takes a touch for who touches"),
    "passkey_unsigned": ("PSK-008", "does not verify the signatures of passkeys"),
    "passkey_of_anyone": ("PSK-009", "takes passkeys that it does not know"),
    "passkey_kept": ("PSK-009", "takes a passkey whose links are all undone"),
    "passkey_again": ("PSK-010", "takes a ticket twice"),
    "passkey_late": ("PSK-010", "takes tickets of links that have expired"),
    "passkey_after_end": ("PSK-010", "takes tickets of links that were ended"),
    "passkey_guessing": ("PSK-011", "lets credentials be tried without end"),
    "passkey_overwritten": ("PSK-012", "takes another passkey of an id for the one that it knows"),
    "passkey_rsa_only": ("PSK-013", "asks for passkeys of RSA only"),
}
PASSKEYS = tuple(Mutant(name, frozenset({row[0]}), row[1]) for name, row in WRONG.items())
