"""One visitor of a channel tries to lock the shop, with all that a visitor can do, and fails (INV-026 to INV-029)."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.core import pressure
from tests.fixtures.gateway import RunningGateway, TestChannel, hold_of, order_of

STOCK, STEP, HOUR = 40, 30, 3600  # units; seconds between two looks at the shop
names = (f"visitor-{number}" for number in itertools.count())


@dataclass
class Attacker:
    """Holds as much as it can for as long as it can, orders without paying, extends everything, buys nothing.

    With one reference, or with another one for every hold.
    """

    shop: TestChannel
    offer: dict[str, Any]
    many: bool
    holds: list[str] = field(default_factory=list)
    reference: str = "attacker"

    async def strike(self) -> None:
        """All that can be had now, in holds of five and of one, and by orders that nobody will pay."""
        for hold_id in self.holds:
            await self.shop.post(f"/reservations/{hold_id}/extend", {"ttl_seconds": 3600})
        for quantity in (5, 1):
            for _ in range(STOCK // quantity):
                made = await self.shop.post("/reservations", self._hold(quantity))
                if made.status != 201:
                    assert made.code in ("hold_limit_reached", "out_of_stock"), made.body
                    break
                self.holds.append(made.json["id"])
        for _ in range(STOCK):
            unpaid = order_of(self.offer, buyer={"reference": self._name()}, payment={"status": "pending"})
            if (await self.shop.post("/orders", unpaid)).status != 201:
                break

    def _hold(self, quantity: int) -> dict[str, Any]:
        return hold_of(self.offer, quantity, buyer={"reference": self._name()}, ttl_seconds=3600)

    def _name(self) -> str:
        return next(names) if self.many else self.reference


async def buy_directly(shop: TestChannel, offer: dict[str, Any]) -> bool:
    """An honest buyer who orders at once."""
    return (await shop.post("/orders", order_of(offer, buyer={"reference": next(names)}))).status == 201


async def buy_by_hold(shop: TestChannel, offer: dict[str, Any]) -> bool:
    """An honest buyer whose shop holds first."""
    who = {"reference": next(names)}
    hold = await shop.post("/reservations", hold_of(offer, buyer=who))
    if hold.status != 201:
        return False
    body = order_of(offer, buyer=who)
    body["lines"][0]["reservation_id"] = hold.json["id"]
    return (await shop.post("/orders", body)).status == 201


@dataclass
class Day:
    """What came of it: units locked at the first instant, at most after ten minutes, and units sold by minute."""

    locked_first: int
    locked_later: int
    sold: dict[float, int]

    def minutes_to(self, part: float) -> float:
        """When this part of the stock was sold."""
        return min((at for at, units in self.sold.items() if units >= part * STOCK), default=math.inf)


async def siege(gateway: RunningGateway, many: bool) -> Day:
    """Attack first; then every half minute four honest buyers come, on the same channel and on another, for an hour."""
    shop, other = await gateway.channel("attacked"), await gateway.channel("other")
    offer = await gateway.offer(quantity=STOCK)
    attacker = Attacker(shop, offer, many)
    await attacker.strike()
    day = Day((await gateway.stock(offer))["reserved"], 0, {})
    for step in range(HOUR // STEP):
        for number in range(4):
            await (buy_directly(shop, offer) if number % 2 else buy_by_hold(other, offer))
        await attacker.strike()
        await gateway.control("/clock", {"advance_seconds": STEP})
        for channel in (shop, other):
            channel.forget_token()
        books, minutes = await gateway.stock(offer), (step + 1) * STEP / 60
        day.sold[minutes] = books["sold"]
        if minutes > 10:
            day.locked_later = max(day.locked_later, books["reserved"])
        if books["sold"] == STOCK:
            break
    return day


@pytest.mark.parametrize("many", [False, True], ids=["one_reference", "many_references"])
async def test_one_visitor_cannot_lock_the_shop(gateway: RunningGateway, many: bool) -> None:
    """The attacker takes part in every half minute; honest buyers get half in minutes, and all within the longest life.

    With one reference it holds half of the stock at most. With many it may hold all, but for two minutes: then most of
    it is back, and its channel holds a quarter from then on.
    """
    day = await siege(gateway, many)
    assert day.locked_first == (STOCK if many else STOCK // 2)
    assert day.locked_later <= STOCK * 3 // 8
    assert day.minutes_to(0.5) <= (6 if many else 3)
    assert day.minutes_to(0.75) <= 13
    assert day.minutes_to(1) <= pressure.LONGEST / 60 + 5


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the rules know of no database
async def test_it_would_be_locked_without_these_rules(
    gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same attack, while holds live as long as is wished, for everyone: nothing is sold in the first hour."""
    monkeypatch.setattr(pressure, "life", lambda wish, *_: min(wish, 3600))
    monkeypatch.setattr(pressure, "share", lambda *_: 0.0)
    monkeypatch.setattr(pressure, "buyers_part", lambda *_: STOCK)
    monkeypatch.setattr(pressure, "wasteful", lambda _: False)
    monkeypatch.setattr(pressure, "pause_left", lambda *_: 0)
    day = await siege(gateway, many=False)
    assert day.locked_first == STOCK
    assert max(day.sold.values()) == 0


async def test_who_never_buys_must_wait_longer_and_longer(gateway: RunningGateway, shop: TestChannel) -> None:
    """INV-028: three idle holds cost nothing, then a minute, two, four… (Retry-After). Others are served."""
    offer = await gateway.offer(quantity=STOCK)
    pauses = []
    for _ in range(7):
        held = await shop.post("/reservations", hold_of(offer, ttl_seconds=60))
        if held.status == 429:
            pauses.append(int(held.headers["Retry-After"]))
            assert held.code == "hold_limit_reached"
            await gateway.control("/clock", {"advance_seconds": pauses[-1]})
            held = await shop.post("/reservations", hold_of(offer, ttl_seconds=60))
        assert held.status == 201, held.body
        await gateway.control("/clock", {"advance_seconds": 61})
        shop.forget_token()
    assert [round(pause, -1) for pause in pauses] == [60, 120, 240, 480]
    assert (await shop.post("/orders", order_of(offer))).status == 201
    another = hold_of(offer, buyer={"reference": "somebody-else"})
    assert (await shop.post("/reservations", another)).status == 201
