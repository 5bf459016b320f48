"""Every time that the suite waits for or measures by, with a name. Seconds, where nothing else is said.

A `Limit` is what the standard says: the most that it allows, and where. The others are the suite's own patience: they
say how long nothing may happen before the suite goes on, and are generous, because a busy machine is no fault.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Clock:
    """Where times come from: `monotonic` measures, `wall` dates (seconds since 1970)."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time


class Limit(NamedTuple):
    """A time that the standard names."""

    seconds: int
    requirement: str


DAY = 86_400
SIGNATURE_AGE = Limit(300, "SIG-004")  # how far a signature's date may be from now
TOKEN_LIFE = Limit(3600, "AUT-006")  # the longest life of an access token
HOLD_LIFE = Limit(DAY, "INV-003")  # the longest life of a hold
LEASE_LIFE = Limit(30 * DAY, "ALT-004")  # the longest life of a lease
LINK_LIFE = Limit(3600, "IDN-014")  # the longest time to prove a link
KEYS_KEPT = Limit(7 * DAY, "IDM-007")  # the shortest time for which idempotency keys are kept
MERGE_DELAY = Limit(60, "OLG-002")  # the longest time until a change is in the log's tree
HEAD_AGE = Limit(60, "OLG-012")  # how old the signature of a tree head may be
LIMITS = (
    SIGNATURE_AGE,
    TOKEN_LIFE,
    HOLD_LIFE,
    LEASE_LIFE,
    LINK_LIFE,
    KEYS_KEPT,
    MERGE_DELAY,
    HEAD_AGE,
)

# running
SIDE_BY_SIDE = 8  # scenarios of one phase at a time
REPEATS = 2  # more times that the scenarios of an inconclusive check are driven

# looking again
POLL = 0.1  # between two looks at what takes its time
TICK = 0.03  # between two looks at what has come in
BACK = 3.0  # until what has ended is in the books again
BEHIND = 0.4  # how far a feed may be behind (CAT-001)
AFTERWARDS = 0.3  # for a channel to tidy up after a purchase
SLOWEST_POLL = 1.0  # the pauses between looks at a purchase grow up to this

# patience with a gateway
ANSWER = 15.0  # for one answer
EVENT_PATIENCE = 6.0  # for an event to come
RETRY_PATIENCE = (
    9.0  # for the tries of an event that is refused three times, before the clock is moved for them
)
DUE = 0.1  # for what fell due when the clock was moved, beyond the answer (TST-007)
LONGEST_PAUSE = 6 * 3600  # by the sandbox's clock, before one of the first three tries after a refused one
HANGS = 4.0  # how long a channel takes for each event, beside which another has its own (EVT-017)
APART = 3.5  # for the event of the other one
BUSY = 1.0  # the suite may be late by this much before an event that did not come is nobody's fault

# patience with a channel
PURCHASE = 20.0  # for a purchase, which may have to wait for the gateway
SHELF = 4.0  # for an event to show on the shelf
SETTLING = 12.0  # until a pending purchase must have come to an end
UNSOLD = 2.0  # for one that is not expected to come to an end

# schema robustness
ROBUSTNESS = 30  # for all requests
ROBUSTNESS_ANSWER = 10.0  # for one answer

# measuring pauses
HEARTBEAT = 0.02  # how often the suite looks whether it is late itself
UNSTEADY = 0.2  # the suite may be late by this much before it cannot tell pauses apart
GROWTH = 1.25  # a pause is longer than another one when it is by this factor
COARSE = 2.5  # pauses below this cannot be compared by a clock that moves by whole seconds
EARLY = 0.01  # what a pause may lack, as clocks are not exact
