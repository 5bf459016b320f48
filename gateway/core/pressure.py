"""What keeps holds from locking a stock: shorter lives, shares and pauses (INV-026 to INV-029).

Pure functions of numbers and of what is noted in two rows that a hold changes anyway: with the stock, what became of
each channel's holds of it; with the buyer's count, the same by stock. A buyer who buys never meets any of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from gateway.core.model import Json

# Of what is left of a stock, the part that is held. Up to CALM holds live as long as wished; from CRUSH on only FLOOR,
# and none is extended.
CALM, CRUSH = 0.1, 0.75
LONGEST, FLOOR = 1800, 120  # seconds
PAYMENT_FLOOR = 300  # seconds that a buyer has to pay in any case: banks are slow

BUYER_SHARE, FEW = 0.5, 5  # of what is left, how much one buyer may hold; so many units always
CHANNEL_SHARE = 0.25  # how much a channel may hold whose holds come to nothing
MANY, TIMES = (
    10,
    3,
)  # that is, more than so many units that were not bought, and so many times those that were

SAT = timedelta(seconds=60)  # a hold that was kept for so long and not used was idle, however it ended
FREE, PAUSE, LONGEST_PAUSE = 3, 60, 3600  # idle holds that cost nothing; seconds after them, doubling
MEMORY = timedelta(hours=1)  # idle holds of a buyer are forgotten after it; those of a channel count half


def share(held: int, free: int) -> float:
    """The part that is held of what is left, the hold in question with it; but one unit is nobody's fault."""
    return max(held - 1, 0) / (held + free) if held + free > 0 else 0.0


def life(wish: int, held: int, free: int, floor: int = FLOOR) -> int:
    """Seconds that a hold may live: the wish, or less the more of the stock is held (INV-018, INV-027)."""
    over = min(max((share(held, free) - CALM) / (CRUSH - CALM), 0.0), 1.0)
    return min(wish, round(LONGEST * math.pow(floor / LONGEST, over)))


def buyers_part(held: int, free: int) -> int:
    """Units of a stock that one buyer may hold at once."""
    return max(FEW, int((held + free) * BUYER_SHARE))


def wasteful(record: Json) -> bool:
    """Whether most of what a channel held lately of a stock was not bought."""
    return bool(record["idle"] >= MANY and record["idle"] > TIMES * record["used"])


def channels_part(held: int, free: int) -> int:
    """Units of a stock that a wasteful channel may hold at once."""
    return max(1, int((held + free) * CHANNEL_SHARE))


def pause_left(record: Json, now: datetime) -> int:
    """Seconds until a buyer who let holds of a stock lie idle may hold it again."""
    if record["idle"] < FREE:
        return 0
    pause = min(PAUSE << min(int(record["idle"]) - FREE, 10), LONGEST_PAUSE)
    return max(0, int(record["at"]) + pause - int(now.timestamp()))


def buyer_of(noted: Mapping[str, Json] | None, stock_id: str, now: datetime) -> Json:
    """What is noted of a buyer's holds of a stock: units `held`, holds that were `idle`, `at` when the last one was."""
    record: Json = (noted or {}).get(stock_id) or {"held": 0, "idle": 0, "at": 0}
    return {**record, "idle": 0} if _forgotten(record, now) else record


def channel_of(noted: Mapping[str, Json] | None, channel_id: str, now: datetime) -> Json:
    """What is noted of a channel's holds of a stock: units `held`, `used` and `idle`; the last two fade by the hour."""
    hour = int(now.timestamp()) // 3600
    record: Json = (noted or {}).get(channel_id) or {"held": 0, "used": 0, "idle": 0, "hour": hour}
    past = min(max(hour - record["hour"], 0), 60)
    return {**record, "used": record["used"] >> past, "idle": record["idle"] >> past, "hour": hour}


def held(record: Json, quantity: int) -> Json:
    """The record with a new hold in it."""
    return {**record, "held": record["held"] + quantity}


def ended(record: Json, quantity: int, fate: str, now: datetime) -> Json:
    """A channel's record after a hold: `fate` is used, idle, or neither of them."""
    after = {**record, "held": max(record["held"] - quantity, 0)}
    return {**after, fate: after[fate] + quantity} if fate in ("used", "idle") else after


def ended_for_buyer(record: Json, quantity: int, fate: str, now: datetime) -> Json:
    """A buyer's record after a hold. Who buys starts afresh."""
    after = {**record, "held": max(record["held"] - quantity, 0)}
    if fate == "idle":
        return {**after, "idle": after["idle"] + 1, "at": int(now.timestamp())}
    return {**after, "idle": 0} if fate == "used" else after


def fate(used: bool, since: datetime, now: datetime) -> str:
    """What a hold came to: used, idle, or given back soon."""
    return "used" if used else "idle" if now - since >= SAT else "soon"


def noted(records: Mapping[str, Json] | None, name: str, record: Json, now: datetime) -> Json | None:
    """All records with this one in its place, without those that say nothing any more."""
    changed = {**(records or {}), name: record}
    return {key: one for key, one in changed.items() if _tells(one, now)} or None


def _tells(record: Json, now: datetime) -> bool:
    return bool(record["held"] or record.get("used") or (record["idle"] and not _forgotten(record, now)))


def _forgotten(record: Json, now: datetime) -> bool:
    return "at" in record and now.timestamp() - record["at"] >= MEMORY.total_seconds()
