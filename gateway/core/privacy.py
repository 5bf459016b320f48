"""The one decision point for personal data: may this channel have this field, for this purpose (spec/text/consent.md).

Whatever shows personal data asks here first, with the channel that the data came in by. A channel always has what its
own buyers tell it for their orders; all else hangs on the newest decision over all accounts of the buyer. Nothing here
is remembered from one request to the next, so a withdrawal counts from its commit on (CNS-015).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.core.model_consent import Consent

# The purposes that there are, and why data may be used for each.
BASES = {
    "attribution": "consent",
    "fraud_prevention": "legitimate_interest",
    "fulfilment": "contract",
    "marketing": "consent",
    "personalisation": "consent",
}
EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Decision:
    """`reason` is one of own_data, consent_given, no_consent, withdrawn, expired, out_of_scope."""

    allowed: bool
    reason: str


def newest(consents: Iterable[Consent], purpose: str) -> Consent | None:
    """The decision that counts (CNS-006): the newest over all accounts of the buyer."""
    about = [one for one in consents if one.purpose == purpose]
    return max(about, key=lambda one: (one.revision, one.account_id), default=None)


def covers(consent: Consent, *channels: str) -> bool:
    """Whether all of these channels are among those that the decision lets data move between."""
    return consent.covered is None or set(channels) <= set(consent.covered)


def decide(purpose: str, channel_id: str, origin: str, consent: Consent | None, now: datetime) -> Decision:
    """May `channel_id` use for `purpose` what came in by `origin`? `consent` is the decision that counts, if any."""
    basis = BASES.get(purpose, "consent")
    if consent is not None and consent.decision == "withdrawn":
        return Decision(False, "withdrawn")
    if basis != "consent" and origin == channel_id:
        return Decision(True, "own_data")
    if consent is None:
        return Decision(False, "out_of_scope" if basis == "contract" else "no_consent")
    if consent.expires_at is not None and consent.expires_at <= now:
        return Decision(False, "expired")
    if not covers(consent, channel_id, origin):
        return Decision(False, "out_of_scope")
    return Decision(True, "consent_given")


Asked = dict[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class DataUse:
    """What one channel may have of one buyer's data at `now`: with no `consents`, its own data only.

    `asked` notes each (purpose, field) that was asked for, with the reason of the last answer.
    """

    channel_id: str
    now: datetime = EVER
    consents: Sequence[Consent] = ()
    asked: Asked = field(default_factory=dict, compare=False)

    def may(self, purpose: str, field: str, origin: str) -> Decision:
        """Whether the channel may have `field` of what the buyer did or gave on the channel `origin`."""
        decision = decide(purpose, self.channel_id, origin, newest(self.consents, purpose), self.now)
        self.asked[purpose, field] = decision.reason
        return decision

    def check(self, origin: str, *fields: str) -> None:
        """Ask for fields that are shown for the orders of the channel `origin`, in whole or not at all.

        Raises PermissionError when one may not be, so that nothing is shown by mistake.
        """
        for name in fields:
            if not self.may("fulfilment", name, origin).allowed:
                raise PermissionError(f"{name} may not be shown")
