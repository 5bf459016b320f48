"""Ids: a prefix and a UUIDv7 (RFC 9562 section 5.7) in 26 characters of lower-case base32. They sort by time."""

from __future__ import annotations

import os
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's, which sorts as its values do
# Two characters at a time: 13 look-ups for the 130 bits.
PAIRS = [a + b for a in ALPHABET for b in ALPHABET]
SHIFTS = range(120, -1, -10)
COUNTS = 1 << 12


class Ids:
    """Makes ids that grow within a process: in one millisecond by a counter (RFC 9562 section 6.2, method 1)."""

    def __init__(self) -> None:
        self._moment = 0
        self._count = 0

    def new(self, prefix: str) -> str:
        """`prefix`, an underscore, and 26 characters."""
        moment = time.time_ns() // 1_000_000
        if moment > self._moment:
            self._moment = moment
            self._count = os.urandom(1)[0]
        else:
            self._count += 1
            if self._count == COUNTS:
                # More than the counter holds: borrow from the next millisecond.
                self._moment += 1
                self._count = 0
        random = int.from_bytes(os.urandom(8), "big") >> 2
        value = self._moment << 80 | 7 << 76 | self._count << 64 | 2 << 62 | random
        return f"{prefix}_" + "".join([PAIRS[value >> shift & 1023] for shift in SHIFTS])
