"""When to try again, and when to leave a channel alone for a while."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

FIRST = 1.0  # seconds
LONGEST = 3600.0
GIVE_UP_AFTER = timedelta(hours=72)
_dice = secrets.SystemRandom()


def pause(attempts: int, asked: float | None = None) -> timedelta:
    """Before the next try, after so many: 1 s, doubling, at most an hour; `asked` is the channel's Retry-After.

    The upper half is drawn by lot. Drawing from zero would spread better, but pauses would not grow (EVT-007).
    """
    longest = min(FIRST * 2.0 ** min(attempts - 1, 20), LONGEST)
    drawn = longest / 2 + _dice.uniform(0, longest / 2)
    return timedelta(seconds=max(drawn, min(asked or 0.0, LONGEST)))


@dataclass
class Breaker:
    """Leaves a channel alone after `threshold` failures in a row, longer each time; then lets one event try.

    It only saves effort: every event has its own time for the next try as well.
    """

    threshold: int = 5
    _failures: dict[str, int] = field(default_factory=dict)
    _resting_until: dict[str, datetime] = field(default_factory=dict)

    def failed(self, channel_id: str, now: datetime) -> None:
        """One more failure."""
        count = self._failures[channel_id] = self._failures.get(channel_id, 0) + 1
        if count >= self.threshold:
            seconds = min(2.0 ** min(count - self.threshold, 6), 60.0)
            self._resting_until[channel_id] = now + timedelta(seconds=seconds)

    def answered(self, channel_id: str) -> None:
        """All is well again."""
        self._failures.pop(channel_id, None)
        self._resting_until.pop(channel_id, None)

    def width(self, channel_id: str, now: datetime, full: int) -> int:
        """How many events may be under way to this channel: `full`, one as a probe, or none."""
        if self._failures.get(channel_id, 0) < self.threshold:
            return full
        return 1 if self._resting_until[channel_id] <= now else 0

    def resting(self, now: datetime) -> set[str]:
        """Channels that are left alone now."""
        return {channel_id for channel_id, until in self._resting_until.items() if until > now}
