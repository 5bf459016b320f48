"""Killed at any moment, the gateway keeps what it answered and answers what it did (IDM-005)."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import aiohttp

from tests.fixtures.gateway import Answer, RunningGateway, TestChannel, order_of, subprocess_gateway

BUYERS = 12


async def test_killed_between_commit_and_answer(database_url: str, tmp_path: Path) -> None:
    """The answer is lost, then the process; the retry gets the first answer from the next process."""
    with subprocess_gateway(database_url, tmp_path) as first:
        shop = await first.channel("shop")
        offer = await first.offer(codes=["ONE", "TWO"])
        await shop.get("/orders")
        await first.control("/faults", {"operation_id": "create_order", "count": 1, "drop_answer": True})
        body = order_of(offer)
        try:
            await shop.post("/orders", body, key="k")
            raise AssertionError("there was an answer")
        except aiohttp.ServerDisconnectedError:
            kill(first)
    with subprocess_gateway(database_url, tmp_path) as second:
        shop = moved(shop, second)
        retried = await shop.post("/orders", body, key="k")
        assert (retried.status, retried.headers["Idempotency-Replayed"]) == (201, "true")
        assert (await second.stock(offer))["sold"] == 1


async def test_killed_under_load_nothing_answered_is_lost_and_nothing_is_sold_twice(
    database_url: str, tmp_path: Path
) -> None:
    """Buyers keep trying with their keys while the process is killed and started again; then the books are compared."""
    codes = [f"C{number}" for number in range(300)]
    answered: dict[str, Answer] = {}
    with subprocess_gateway(database_url, tmp_path) as first:
        shop = await first.channel("shop")
        offer = await first.offer(codes=codes)
        buying = [asyncio.create_task(buyer(shop, offer, n, answered)) for n in range(BUYERS)]
        while not answered:
            await asyncio.sleep(0.05)
        await asyncio.sleep(random.uniform(0.1, 0.6))
        kill(first)
        pending = [body for body in await asyncio.gather(*buying) if body is not None]
    assert answered
    with subprocess_gateway(database_url, tmp_path) as second:
        shop = moved(shop, second)
        for key, answer in answered.items():
            again = await shop.post("/orders", {**answer_request(answer, offer)}, key=key)
            assert (again.status, again.body) == (201, answer.body)
        for key, body in pending:
            assert (await shop.post("/orders", body, key=key)).status == 201
        sold = (await second.stock(offer))["sold"]
        assert sold == len(answered) + len(pending)
        orders = await all_orders(shop)
        assert len(orders) == sold


def answer_request(answer: Answer, offer: dict[str, object]) -> dict[str, object]:
    """The request that got this answer."""
    return {**order_of(offer), "reference": answer.json["reference"]}


async def buyer(
    shop: TestChannel, offer: dict[str, object], number: int, answered: dict[str, Answer]
) -> tuple[str, dict[str, object]] | None:
    """Orders one after the other; what was under way when the connection broke."""
    for count in range(25):
        key, body = f"{number}-{count}", order_of(offer)
        try:
            answer = await shop.post("/orders", body, key=key)
        except aiohttp.ClientError:
            return key, body
        assert answer.status == 201, answer.body
        answered[key] = answer
    return None


async def all_orders(shop: TestChannel) -> list[str]:
    """The ids, following the cursors."""
    found: list[str] = []
    params: dict[str, str | int] = {"limit": 500}
    while True:
        page = (await shop.get("/orders", params=params)).json
        found += [order["id"] for order in page["items"]]
        if not page["has_more"]:
            return found
        params["cursor"] = page["next_cursor"]


def kill(gateway: RunningGateway) -> None:
    """SIGKILL."""
    assert gateway.process is not None
    gateway.process.kill()
    gateway.process.wait(10)


def moved(shop: TestChannel, gateway: RunningGateway) -> TestChannel:
    """The same client at another gateway on the same database; its old token names another issuer."""
    return TestChannel(gateway, shop.client_id, shop.client_secret, shop.webhook_secret)
