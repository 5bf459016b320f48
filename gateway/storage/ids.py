"""Ids: a prefix and a UUIDv7 (RFC 9562 section 5.7) in 26 characters of lower-case base32. They sort by time."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's, which sorts as its values do
LETTERS = bytes(ALPHABET[byte & 31].encode()[0] for byte in range(256))
TIME_SHIFTS = (
    45,
    40,
    35,
    30,
    25,
    20,
    15,
    10,
    5,
    0,
)  # of 130 bits the upper 50: two zeros and the milliseconds
COUNTS = 1 << 12
# The 20 bits after the time: version, counter, variant and two zeros, for each state of the counter.
HEADS = [
    "".join([ALPHABET[(7 << 16 | count << 4 | 2 << 2) >> shift & 31] for shift in (15, 10, 5, 0)])
    for count in range(COUNTS)
]
TAIL = 12  # random letters, 60 bits
BATCH = 512  # ids whose random letters are drawn at once


class Ids:
    """Makes ids that grow within a process: in one millisecond by a counter (RFC 9562 section 6.2, method 1)."""

    def __init__(self) -> None:
        self._moment = 0
        self._count = 0
        self._time = ""
        self._noise = ""
        self._at = 0

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
        at = self._at
        if at == len(self._noise):
            self._noise, at = os.urandom(BATCH * TAIL).translate(LETTERS).decode("ascii"), 0
        self._at = at + TAIL
        return f"{prefix}_{self._time}{HEADS[self._count]}{self._noise[at : at + TAIL]}"

    def _begin(self, moment: int) -> None:
        """The counter starts low, so that there is room for many."""
        self._moment = moment
        self._count = os.urandom(1)[0]
        self._time = "".join([ALPHABET[moment >> shift & 31] for shift in TIME_SHIFTS])


def first_id(prefix: str, moment: datetime) -> str:
    """Sorts before every id that is made from this moment on."""
    millis = max(int(moment.timestamp() * 1000), 0)
    return f"{prefix}_{''.join([ALPHABET[millis >> shift & 31] for shift in TIME_SHIFTS])}"


def moment_of(row_id: str) -> datetime:
    """When an id was made, to the millisecond."""
    millis = 0
    for letter in row_id.partition("_")[2][:10]:
        millis = millis << 5 | ALPHABET.index(letter)
    return datetime.fromtimestamp(millis / 1000, UTC)
