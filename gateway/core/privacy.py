"""The one decision point for personal data: may this channel have this field, for this purpose (spec/text/consent.md).

Whatever shows personal data asks here first, with the channel that the data came in by.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """`reason` is one of own_data, consent_given, no_consent, withdrawn, expired, out_of_scope."""

    allowed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class DataUse:
    """What one channel may have of one buyer's data now."""

    channel_id: str

    def may(self, purpose: str, field: str, origin: str) -> Decision:
        """Whether the channel may have `field` of what the buyer did or gave on the channel `origin`."""
        if origin == self.channel_id:
            return Decision(True, "own_data")
        return Decision(False, "no_consent")
