"""Wrong gateways whose tokens are not what was bought. See conformance/mutants/gateway.py."""

from __future__ import annotations

from conformance.mutants import Mutant

WRONG = {
    "token_as_code": ("TOK-001", "hands a token out as a code"),
    "token_to_another": ("TOK-002", "mints to an address of its own"),
    "token_any_address": ("TOK-003", "takes addresses with a wrong checksum"),
    "token_misnamed": ("TOK-004", "names another token's asset"),
    "tokens_twice": ("TOK-005", "mints again when the supplier's answer was lost"),
    "token_moved_unseen": ("TOK-007", "shows what has moved on the chain as active"),
    "token_unnamed": ("TOK-008", "does not say of what is owned where the token is"),
    "token_named_for_all": ("TOK-008", "names a token in all that is owned"),
}
MINTING = tuple(Mutant(name, frozenset({row[0]}), row[1]) for name, row in WRONG.items())
