"""Ids: a prefix and a UUIDv7 (RFC 9562 section 5.7) in 26 characters of lower-case base32. They sort by time."""

from __future__ import annotations

import os
import struct
import time
from datetime import UTC, datetime

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's, which sorts as its values do
# Two characters at a time.
PAIRS = [a + b for a in ALPHABET for b in ALPHABET]
TIME_SHIFTS = (40, 30, 20, 10, 0)  # the upper 50 of 130 bits: two zeros and the milliseconds
REST_SHIFTS = (70, 60, 50, 40, 30, 20, 10, 0)  # version, counter, variant, random
COUNTS = 1 << 12
BATCH = 512  # ids whose random bits are drawn at once


class Ids:
    """Makes ids that grow within a process: in one millisecond by a counter (RFC 9562 section 6.2, method 1)."""

    def __init__(self) -> None:
        self._moment = 0
        self._count = 0
        self._time = ""
        self._random: list[int] = []

    def new(self, prefix: str) -> str:
        """`prefix`, an underscore, and 26 characters."""
        moment = time.time_ns() // 1_000_000
        if moment > self._moment:
            self._begin(moment)
        else:
            self._count += 1
            if self._count == COUNTS:
                # More than the counter holds: borrow from the next millisecond.
                self._begin(self._moment + 1)
        if not self._random:
            drawn = struct.unpack(f"{BATCH}Q", os.urandom(BATCH * 8))
            self._random = [value >> 2 for value in drawn]
        rest = 7 << 76 | self._count << 64 | 2 << 62 | self._random.pop()
        return f"{prefix}_{self._time}{''.join([PAIRS[rest >> shift & 1023] for shift in REST_SHIFTS])}"

    def _begin(self, moment: int) -> None:
        """The counter starts low, so that there is room for many."""
        self._moment = moment
        self._count = os.urandom(1)[0]
        self._time = "".join([PAIRS[moment >> shift & 1023] for shift in TIME_SHIFTS])


def first_id(prefix: str, moment: datetime) -> str:
    """Sorts before every id that is made from this moment on."""
    millis = max(int(moment.timestamp() * 1000), 0)
    return f"{prefix}_{''.join([PAIRS[millis >> shift & 1023] for shift in TIME_SHIFTS])}"


def moment_of(row_id: str) -> datetime:
    """When an id was made, to the millisecond."""
    millis = 0
    for letter in row_id.partition("_")[2][:10]:
        millis = millis << 5 | ALPHABET.index(letter)
    return datetime.fromtimestamp(millis / 1000, UTC)
