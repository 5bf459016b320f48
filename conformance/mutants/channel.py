"""Wrong channels: one fault each, and the requirement whose checks must catch it.

Faults are switches of the mini channel (conformance/mini_channel).
"""

from __future__ import annotations

from conformance.mutants import Mutant
from conformance.mutants.channel_buyers import BUYERS

STANDARD = "standard_webhooks"


def _mutant(name: str, requirement: str, about: str, scheme: str = STANDARD, verdict: str = "fail") -> Mutant:
    return Mutant(name, frozenset({requirement}), about, scheme, verdict)


MUTANTS = (
    _mutant("no_token_refresh", "AUT-014", "gives up when a token has expired"),
    _mutant("refreshes_forever", "AUT-014", "gets token after token while each is refused"),
    _mutant("token_per_request", "AUT-015", "fetches a token for every request", verdict="warn"),
    _mutant("reads_all_offers", "CAT-009", "reads all offers at every sync"),
    _mutant("ignores_tombstones", "CAT-010", "keeps deleted offers on sale"),
    _mutant("recalls_refused", "ALT-024", "refuses the recall of a lease that it does not know"),
    _mutant("strict_members", "CNV-001", "leaves out what has unknown members"),
    _mutant("strict_enums", "CNV-002", "leaves out offers of unknown categories"),
    _mutant("null_members", "CNV-009", "sends null for what is not there"),
    _mutant("logs_goods", "DLV-013", "writes the goods to its log"),
    _mutant("sends_key_anyway", "DLV-034", "sends keys to a gateway that does not seal"),
    _mutant("keeps_buyers_key", "DLV-035", "does not send the buyer's key"),
    _mutant("wrong_role", "DSC-002", "says it is a shop"),
    _mutant("unknown_scheme", "DSC-008", "names a signature scheme that does not exist"),
    _mutant("missing_capability", "DSC-009", "claims the core profile without events"),
    _mutant("sandbox_false", "DSC-010", "serves test control, but says it is live"),
    _mutant("plain_errors", "ERR-010", "answers 404 in plain text"),
    _mutant("stubborn", "ERR-011", "tries again what was refused for good"),
    _mutant("rejects_duplicates", "EVT-012", "answers a duplicate event with an error"),
    _mutant("reapplies_duplicates", "EVT-013", "lets an event take effect again"),
    _mutant("applies_stale", "EVT-014", "lets an older revision take effect"),
    _mutant("refuses_unknown_types", "EVT-015", "answers an unknown event type with an error"),
    _mutant("applies_unknown_types", "EVT-015", "takes any event about an offer for an update of it"),
    _mutant("ignores_event_feed", "EVT-016", "never reads the event feed"),
    _mutant("renames_buyers", "INV-030", "gives a buyer another reference in every purchase"),
    _mutant("key_per_try", "IDM-008", "makes a new key for every try"),
    _mutant("changes_retry", "IDM-009", "sends another request under the same key"),
    _mutant("impatient", "LIM-003", "does not wait for Retry-After"),
    _mutant("gives_up_on_503", "LIM-004", "fails the purchase at the first 503"),
    _mutant("shrinking_pauses", "LIM-004", "waits shorter and shorter"),
    _mutant("retries_forever", "LIM-004", "never stops trying"),
    _mutant("sells_unoffered", "SEL-001", "has an item of its own on sale"),
    _mutant("adds_a_fee", "SEL-002", "charges a fee on top of the price"),
    _mutant("charges_raised_price", "SEL-002", "charges more than was shown when the price rose"),
    _mutant("lies_about_region", "SEL-003", "claims that every buyer is where the offer may be sold"),
    _mutant("ignores_withdrawal", "SEL-004", "keeps selling a withdrawn offer"),
    _mutant("ignores_updates", "SEL-005", "keeps the old price"),
    _mutant("orders_without_hold", "SEL-006", "takes the money and then asks for stock"),
    _mutant("hides_sold_out", "SEL-007", "tells the buyer that all went well"),
    _mutant("shows_before_paid", "SEL-008", "shows the goods before the buyer has paid"),
    _mutant("order_per_press", "SEL-009", "orders at every press of the button"),
    _mutant("orders_anew", "SEL-010", "orders again under another reference after a lost answer"),
    _mutant("trims_goods", "SEL-011", "strips spaces from codes"),
    _mutant("sells_sold_out", "SEL-012", "shows everything as buyable"),
    _mutant("shows_all_goods", "SEL-013", "shows a buyer what others bought"),
    _mutant("mixes_up_buyers", "SEL-013", "shows the last goods revealed, when many buy at once"),
    _mutant("drops_buyer_input", "SEL-014", "does not send what the buyer filled in"),
    _mutant("keeps_holds", "SEL-015", "lets unused holds expire"),
    _mutant("charges_new_price", "SEL-016", "charges the raised price though the hold has the old one"),
    _mutant("accepts_unsigned", "SIG-005", "takes events without a signature"),
    _mutant("digest_only", "SIG-006", "looks at the digest, not at the signature", "rfc9421"),
    _mutant("digest_unchecked", "SIG-007", "looks at the signature, not at the digest", "rfc9421"),
    _mutant("no_time_window", "SIG-008", "takes events signed at any time"),
    _mutant("no_time_window", "SIG-008", "the same under the other scheme", "rfc9421"),
    _mutant("acts_before_verifying", "SIG-009", "applies an event and then verifies it"),
    _mutant("first_signature_only", "SIG-010", "tries only the first of several signatures"),
    _mutant("first_signature_only", "SIG-010", "the same under the other scheme", "rfc9421"),
    _mutant("no_traceparent", "TRC-006", "lists deliveries without a traceparent"),
    _mutant("trace_per_request", "TRC-007", "begins a new trace with every request"),
    _mutant("no_clock", "TST-002", "does not serve test_advance_clock"),
    _mutant("open_test_control", "TST-004", "serves test control to anybody"),
    _mutant("keeps_first_gateway", "TST-009", "trades with the first gateway for ever"),
    *BUYERS,
)
