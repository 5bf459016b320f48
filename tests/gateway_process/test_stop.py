"""SIGTERM: no new connections, what was asked is answered, exit code 0."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import aiohttp

from tests.fixtures.gateway import Answer, RunningGateway, TestChannel, call, order_of, subprocess_gateway

BUYERS = 16


async def buy_until_it_stops(
    shop: TestChannel, token: str, offer: dict[str, Any], answers: list[Answer], broken: list[Exception]
) -> None:
    """Over one kept connection, as a real channel does."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(base_url=shop.gateway.url) as session:
        for _ in range(1000):
            body = order_of(offer)
            try:
                sent = {**headers, "Idempotency-Key": body["reference"]}
                async with session.post("/vgcp/v1/orders", json=body, headers=sent) as answer:
                    answers.append(Answer(answer.status, answer.headers.copy(), await answer.read()))
            except aiohttp.ClientError as error:
                broken.append(error)
                return


async def stop_under_load(gateway: RunningGateway) -> tuple[TestChannel, dict[str, Any], list[Answer], int]:
    """Let buyers buy, then SIGTERM in the middle."""
    shop = await gateway.channel("shop")
    offer = await gateway.offer(quantity=1_000_000)
    token = await shop.token()
    answers: list[Answer] = []
    broken: list[Exception] = []
    buying = [
        asyncio.create_task(buy_until_it_stops(shop, token, offer, answers, broken)) for _ in range(BUYERS)
    ]
    for _ in range(600):  # in the middle, on however slow a machine
        await asyncio.sleep(0.1)
        if len(answers) > 3 * BUYERS:
            break
    assert gateway.process is not None
    gateway.process.send_signal(signal.SIGTERM)
    await asyncio.gather(*buying)
    code = await asyncio.to_thread(gateway.process.wait, 30)
    assert all(answer.status in (201, 503) for answer in answers)
    return shop, offer, [answer for answer in answers if answer.status == 201], code


async def test_stopping_under_load_loses_no_answered_order(database_url: str, tmp_path: Path) -> None:
    """Every order that was answered is there afterwards, and every order that is there was answered."""
    with subprocess_gateway(database_url, tmp_path) as first:
        shop, offer, answers, code = await stop_under_load(first)
    assert code == 0
    assert len(answers) > BUYERS
    with subprocess_gateway(database_url, tmp_path) as second:
        books = await second.stock(offer)
        again = TestChannel(second, shop.client_id, shop.client_secret, shop.webhook_secret)
        found = [await again.get(f"/orders/{answer.json['id']}") for answer in answers[-20:]]
        assert [answer.json["status"] for answer in found] == ["fulfilled"] * len(found)
    assert books["sold"] == len(answers)


async def test_two_workers_share_a_port_and_stop_together(postgres_url: str, tmp_path: Path) -> None:
    """Both serve, one that is killed is replaced, and SIGTERM ends all of them with 0."""
    with subprocess_gateway(postgres_url, tmp_path, "--workers", "2", sandbox=False) as gateway:
        assert gateway.process is not None
        first, second = await workers_of(gateway, set())
        for _ in range(20):
            assert (await call("GET", f"{gateway.url}/readyz")).status == 200
        os.kill(first, signal.SIGKILL)
        replaced = await workers_of(gateway, {first})
        assert second in replaced
        gateway.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(gateway.process.wait, 30) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in replaced)


async def workers_of(gateway: RunningGateway, gone: set[int]) -> list[int]:
    """The two workers, once there are two without those that are gone."""
    assert gateway.process is not None
    pid = gateway.process.pid
    for _ in range(800):
        found = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        if len(found) == 2 and not gone & set(found):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("there are no two workers")
