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
    """Narrows a channel's lane with each burst of failures, and leaves it alone for a while after `threshold` of them.

    It only keeps a channel that does not answer from taking up room that others need: every event has its own time
    for the next try as well. Failures that come together count once, so that what was under way when a channel went
    down does not shut it out for longer than one event would.
    """

    threshold: int = 5
    burst: timedelta = timedelta(seconds=0.5)
    longest: float = 30.0  # seconds
    _bursts: dict[str, int] = field(default_factory=dict)
    _counted_at: dict[str, datetime] = field(default_factory=dict)
    _resting_until: dict[str, datetime] = field(default_factory=dict)

    def failed(self, channel_id: str, now: datetime) -> None:
        """A try came to nothing."""
        counted_at = self._counted_at.get(channel_id)
        if counted_at is not None and now - counted_at < self.burst:
            return
        self._counted_at[channel_id] = now
        count = self._bursts[channel_id] = self._bursts.get(channel_id, 0) + 1
        if count >= self.threshold:
            seconds = min(2.0 ** min(count - self.threshold, 10), self.longest)
            self._resting_until[channel_id] = now + timedelta(seconds=seconds)

    def answered(self, channel_id: str) -> None:
        """All is well again."""
        for kept in (self._bursts, self._counted_at, self._resting_until):
            kept.pop(channel_id, None)

    def width(self, channel_id: str, now: datetime, full: int) -> int:
        """How many events may be under way to this channel: `full`, fewer after failures, none while it rests."""
        if self._resting_until.get(channel_id, now) > now:
            return 0
        return max(1, full >> self._bursts.get(channel_id, 0))

    def resting(self, now: datetime) -> set[str]:
        """Channels that are left alone now."""
        return {channel_id for channel_id, until in self._resting_until.items() if until > now}
