"""Wrong channels that do not treat a buyer over all channels as they should. See conformance/mutants/channel.py."""

from __future__ import annotations

from conformance.mutants import Mutant

WRONG = {
    "resolves_another": ("BUY-001", "resolves a buyer under another name than her orders carry"),
    "asks_anyway": ("BUY-002", "asks a gateway for what it does not declare"),
    "links_by_itself": ("BUY-003", "begins a link that nobody asked for"),
    "cuts_link_codes": ("BUY-004", "sends the beginning of a link code only"),
    "shows_first_link_code": ("BUY-005", "shows every buyer the link code of the first one"),
    "logs_link_codes": ("BUY-006", "writes link codes to its log"),
    "claims_linked": ("BUY-007", "tells who mistyped a code that all is well"),
    "claims_redeemed": ("BUY-007", "tells who entered an unknown code that all is well"),
    "keeps_links": ("BUY-008", "says that a link has ended, and does nothing"),
    "refuses_unknown_buyers": ("BUY-009", "refuses events about buyers that it does not know"),
    "widens_scope": ("BUY-010", "takes a consent for this channel as one for all"),
    "claims_consent": ("BUY-011", "shows a consent as given that the gateway refused"),
    "keeps_consent": ("BUY-011", "shows a consent as it was before it was withdrawn elsewhere"),
    "withholds_exports": ("BUY-013", "gives a buyer an archive with nothing in it"),
    "keeps_buyers": ("BUY-014", "says that a buyer was erased, and does nothing"),
    "remembers_erased": ("BUY-015", "shows what an erased buyer had allowed"),
    "own_goods_only": ("BUY-016", "shows what was bought here only"),
    "first_page_only": ("BUY-016", "reads the first page of a buyer's goods only"),
    "everybodys_goods": ("BUY-016", "shows a buyer what others own"),
    "keeps_first_state": ("BUY-017", "shows goods in the state in which it saw them first"),
    "trims_certificates": ("BUY-018", "trims certificates"),
    "certifies_for_anyone": ("BUY-019", "gets anybody a certificate of anything"),
    "offers_for_anyone": ("BUY-019", "lets anybody offer anything"),
    "shows_first_transfer_code": ("BUY-020", "shows every owner the transfer code of the first one"),
    "folds_transfer_codes": ("BUY-021", "sends transfer codes in capitals"),
    "accepts_for_another": ("BUY-021", "accepts transfers for the first buyer that it knows"),
    "claims_transferred": ("BUY-022", "tells who entered an unknown code that it is hers"),
    "logs_transfer_codes": ("BUY-023", "writes transfer codes to its log"),
    "logs_certificates": ("BUY-023", "writes certificates to its log"),
}
BUYERS = tuple(Mutant(name, frozenset({row[0]}), row[1]) for name, row in WRONG.items())
