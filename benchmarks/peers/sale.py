"""A hot sale, whatever the shop: many guests at once, fewer units than guests, and the count of what was sold."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class Refused(Exception):
    """The shop said that there are no more: what a sale that is sold out should say."""


class Failed(Exception):
    """The shop answered anything else; the text says what."""


class Guest(Protocol):
    """Somebody who buys one unit. Both steps raise Refused or Failed."""

    async def prepare(self) -> None:
        """All that comes before paying: the basket, the address, the way of sending."""

    async def pay(self) -> None:
        """Pay; returns when the shop has confirmed a paid order."""


@dataclass
class Sold:
    """What the guests saw, in seconds and numbers, and by `reasons` why the others got nothing."""

    paid: int = 0
    refused: int = 0
    failed: int = 0
    preparing: float = 0.0
    paying: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)

    def missed(self, error: Refused | Failed) -> None:
        """One guest more who got nothing."""
        if isinstance(error, Refused):
            self.refused += 1
        else:
            self.failed += 1
            self.reasons[str(error)] += 1


@dataclass(frozen=True)
class Books:
    """What the shop's database says: units in paid orders, orders with a unit of their own, and its counters."""

    units: int
    with_goods: int
    counter: int
    available: int


async def hold(guests: Sequence[Guest], at_once: int, in_one_go: bool) -> Sold:
    """The sale. `in_one_go`: each guest pays as soon as ready; else all are ready first, and then all pay."""
    sold = Sold()
    if in_one_go:
        sold.paying = await _each(guests, at_once, sold, _buy)
    else:
        ready: list[Guest] = []

        async def prepare(guest: Guest) -> bool:
            await guest.prepare()
            ready.append(guest)
            return False

        sold.preparing = await _each(guests, at_once, sold, prepare)
        sold.paying = await _each(ready, at_once, sold, _pay)
    return sold


async def _pay(guest: Guest) -> bool:
    await guest.pay()
    return True


async def _buy(guest: Guest) -> bool:
    await guest.prepare()
    await guest.pay()
    return True


async def _each(guests: Sequence[Guest], at_once: int, sold: Sold, step: Any) -> float:
    """So many guests at a time; the seconds until the last one who paid, or who was ready, was done."""
    waiting = iter(guests)
    started = time.perf_counter()
    last = started

    async def queue() -> None:
        nonlocal last
        for guest in waiting:
            try:
                paid = await step(guest)
                sold.paid += paid  # not in one line with `await`: others count meanwhile
                last = time.perf_counter()
            except (Refused, Failed) as error:
                sold.missed(error)

    await asyncio.gather(*(queue() for _ in range(at_once)))
    return last - started


def untouched(books: Books, units: int) -> None:
    """Before a sale: are there so many units, and none sold? Raises RuntimeError, for else no count has a meaning."""
    if (books.units, books.counter, books.available) != (0, 0, units):
        raise RuntimeError(f"a sale of {units} units began with {books}")


def count(sold: Sold, books: Books, units: int) -> dict[str, float]:
    """What is written of a sale of so many units. `unseen`: paid orders of which no guest was told."""
    seconds = sold.preparing + sold.paying
    return {
        "paid": sold.paid,
        "sold": books.units,
        "oversold": max(0, books.units - units),
        "without_goods": books.units - books.with_goods,
        "refused": sold.refused,
        "failed": sold.failed,
        "unseen": books.units - sold.paid,
        "counter": books.counter,
        "payments_per_second": round(sold.paid / sold.paying, 2) if sold.paid else 0.0,
        "orders_per_second": round(sold.paid / seconds, 2) if sold.paid else 0.0,
    }
