"""The channel's clock, which a sandbox can advance."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Seconds since 1970, ahead of the machine by what test control asked for."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move ahead by so many seconds."""
        self._ahead += seconds

    def reset(self) -> None:
        """Back to the machine's time."""
        self._ahead = 0.0


def rfc3339(seconds: float) -> str:
    """Seconds since 1970 as the wire writes them (CNV-004)."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
