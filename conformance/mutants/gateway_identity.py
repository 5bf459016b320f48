"""Wrong gateways that take buyers for others, or tell too much of them. See conformance/mutants/gateway.py."""

from __future__ import annotations

from conformance.mutants import Mutant

WRONG = {
    "buyer_renamed": ("IDN-001", "gives a buyer a new id after her links were undone"),
    "buyer_one_id": ("IDN-002", "gives the same name one id on all channels"),
    "buyer_of_anyone": ("IDN-003", "shows a buyer to every channel that knows her id"),
    "buyer_traced": ("IDN-004", "tells other channels the trace in which accounts were linked"),
    "claims_merge": ("IDN-005", "links accounts by the addresses that channels claim"),
    "contact_in_full": ("IDN-006", "shows addresses and numbers in full"),
    "claim_verified": ("IDN-007", "shows claims as verified"),
    "email_case": ("IDN-010", "takes an address in capitals for another one"),
    "id_token_alone": ("IDN-011", "links nobody by id tokens"),
    "link_code_alone": ("IDN-012", "takes a link code and links nobody"),
    "pending_joins": ("IDN-013", "links by an address before it is proved"),
    "link_endless": ("IDN-014", "leaves a link open for a day"),
    "proof_late": ("IDN-015", "takes codes that have expired"),
    "proof_twice": ("IDN-016", "takes a code twice"),
    "proof_unread": ("IDN-017", "takes any code that is entered for a mailed one"),
    "guessing_free": ("IDN-018", "lets a code be guessed at without end"),
    "links_unlimited": ("IDN-019", "lets an account begin links without end"),
    "mails_unlimited": ("IDN-020", "mails an address as often as anybody asks"),
    "redeeming_free": ("IDN-021", "lets link codes be guessed at without end"),
    "address_told": ("IDN-022", "tells whether a buyer has an address"),
    "code_shown": ("IDN-023", "tells who enters a wrong code what the mailed one was"),
    "kinds_all": ("IDN-024", "begins links of kinds that it does not know"),
    "token_any_issuer": ("IDN-030", "takes id tokens of whatever issuer"),
    "token_any_audience": ("IDN-031", "takes id tokens made for somebody else"),
    "token_expired": ("IDN-032", "takes expired id tokens"),
    "token_any_nonce": ("IDN-033", "takes id tokens made for something else"),
    "token_unsigned": ("IDN-034", "does not verify the signatures of id tokens"),
    "limit_per_account": ("IDN-040", "counts a buyer's limit for each account by itself"),
    "linked_untold": ("IDN-041", "tells nobody that accounts were linked"),
    "unlink_keeps": ("IDN-042", "deletes a link and keeps what it joined"),
    "unlinked_untold": ("IDN-043", "tells nobody that accounts were split"),
    "unlink_all": ("IDN-044", "dissolves all of a buyer with one of her links"),
    "link_again": ("IDN-045", "keeps two links for what was proved twice, and tells of both"),
    "merge_races": ("IDN-046", "loses what is joined while it joins something else"),
    "splits_unaudited": ("IDN-048", "keeps no record of what came apart again"),
    "tier_per_account": ("IDN-047", "keeps a tier for each account by itself"),
    "allowance_per_account": ("IDN-050", "shows what a limit leaves of each account by itself"),
    "limit_any_tier": ("IDN-051", "has one limit for all tiers"),
    "allowance_of_others": ("IDN-052", "shows what is left of products that the channel does not sell"),
}
IDENTITY = tuple(Mutant(name, frozenset({row[0]}), row[1], verdict="fail") for name, row in WRONG.items())
