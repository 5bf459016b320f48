"""Two gateways on one PostgreSQL, and a channel that reports the same sales at both (ALT-010, ALT-016)."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures import databases
from tests.fixtures.gateway import Answer, TestChannel, order_of, subprocess_gateway
from tests.torture.market import balanced

UNITS, LEASED, SALES, REPORTS, ORDERS = 40, 15, 24, 60, 30


def sale_of(lease: dict[str, Any], number: int) -> dict[str, Any]:
    """The same sale each time."""
    return {
        "reference": f"till-{number}",
        "quantity": 1 + number % 2,
        "unit_price": lease["unit_price"],
        "buyer": {"reference": f"buyer-{number}"},
        "sold_at": lease["created_at"],
    }


@pytest.mark.postgres
async def test_the_same_sales_at_two_gateways(
    postgresql_server: str, postgresql_template: str, tmp_path: Path
) -> None:
    """Among orders, a release and a recall: each sale has one order at both, nothing is oversold, the books balance."""
    with (
        databases.postgresql_database(postgresql_server, postgresql_template) as database,
        subprocess_gateway(database, tmp_path) as first,
        subprocess_gateway(database, tmp_path) as second,
    ):
        shop = await first.channel("shop")
        offer = await first.offer(codes=[f"code-{n}" for n in range(UNITS)], consistency="allotment")
        made = await shop.post("/allotments", {"offer_id": offer["id"], "quantity": LEASED})
        at = f"/allotments/{made.json['id']}"
        both = (shop, replace(shop, gateway=second, _token=None))
        for one in both:
            await one.get("/orders")
        dice = random.Random(7)

        async def report(channel: TestChannel) -> Answer:
            await asyncio.sleep(dice.random() / 5)
            chosen = dice.sample(range(SALES), 8)
            return await channel.post(f"{at}/sales", {"sales": [sale_of(made.json, n) for n in chosen]})

        async def later(seconds: float, work: Any) -> None:
            await asyncio.sleep(seconds)
            await work

        reports, bought, *_ = await asyncio.gather(
            asyncio.gather(*(report(both[n % 2]) for n in range(REPORTS))),
            asyncio.gather(*(both[n % 2].post("/orders", order_of(offer)) for n in range(ORDERS))),
            later(0.05, both[1].post(f"{at}/release", {"quantity": 2})),
            later(0.1, second.control(f"{at}/recall", {"grace_seconds": 0})),
        )
        assert {one.status for one in reports} == {200}
        told: dict[str, set[str]] = {}
        for result in (one for answer in reports for one in answer.json["results"]):
            if result["status"] == "accepted":
                told.setdefault(result["reference"], set()).add(result["order_id"])
            else:
                assert result["problem"]["code"] == "allotment_exhausted"
        assert told
        assert {len(orders) for orders in told.values()} == {1}
        sold = sum(1 + int(name.removeprefix("till-")) % 2 for name in told)
        sold += sum(one.status == 201 for one in bought)
        books = await first.stock(offer)
        assert (books["sold"], books["allotted"]) == (sold, 0)
        assert books["available"] == UNITS - sold >= 0
        await balanced(database)
