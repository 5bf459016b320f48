"""How long personal data is kept, by purpose. What is older is erased by a job; the books keep the rest."""

from __future__ import annotations

from datetime import datetime, timedelta

# Days after which nothing has happened to it any more.
DAYS = {
    "fulfilment": 1095,  # what a buyer is known by and has typed, in settled orders: warranty and disputes
    "fraud_prevention": 90,  # the same in holds that have ended
    "consent_records": 1825,  # decisions that newer ones have replaced: the proof that there was a consent
}


def parse(wished: str) -> dict[str, int]:
    """The periods, with those of `fulfilment=730,fraud_prevention=30` in place. Raises ValueError that says what is
    wrong."""
    days = dict(DAYS)
    for part in filter(None, (one.strip() for one in wished.split(","))):
        name, _, number = part.partition("=")
        if name not in DAYS or not number.isdecimal() or not 1 <= int(number) <= 36500:
            raise ValueError(f"{part!r} is not one of {', '.join(DAYS)}, an equals sign, and 1 to 36500 days")
        days[name] = int(number)
    return days


def before(days: dict[str, int], purpose: str, now: datetime) -> datetime:
    """What is older than this is kept no longer."""
    return now - timedelta(days=days[purpose])
