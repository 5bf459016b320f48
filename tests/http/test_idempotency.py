"""One key, one effect, over the wire."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tests.fixtures.gateway import RunningGateway, TestChannel, hold_of, order_of


async def test_the_same_request_gets_the_first_answer(gateway: RunningGateway, shop: TestChannel) -> None:
    """IDM-002: byte for byte, marked, and nothing is sold again."""
    offer = await gateway.offer(quantity=5)
    body = order_of(offer)
    first = await shop.post("/orders", body, key="k")
    again = await shop.post("/orders", dict(reversed(body.items())), key="k")
    assert (first.status, again.status) == (201, 201)
    assert again.body == first.body
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await gateway.stock(offer))["sold"] == 1


async def test_another_request_with_the_key_is_refused(gateway: RunningGateway, shop: TestChannel) -> None:
    """IDM-003, whether body or path differ."""
    offer = await gateway.offer(quantity=5)
    await shop.post("/orders", order_of(offer), key="k")
    assert (await shop.post("/orders", order_of(offer), key="k")).code == "idempotency_key_reused"
    holds = [(await shop.post("/reservations", hold_of(offer))).json["id"] for _ in range(2)]
    assert (await shop.post(f"/reservations/{holds[0]}/extend", key="e")).status == 200
    assert (await shop.post(f"/reservations/{holds[1]}/extend", key="e")).code == "idempotency_key_reused"


async def test_a_refusal_uses_up_nothing(gateway: RunningGateway, shop: TestChannel) -> None:
    """IDM-010: the same key and request succeed after a restock."""
    offer = await gateway.offer(codes=[])
    body = order_of(offer)
    assert (await shop.post("/orders", body, key="k")).code == "out_of_stock"
    await gateway.control(f"/offers/{offer['id']}", {"add_codes": ["NEW"]})
    retried = await shop.post("/orders", body, key="k")
    assert (retried.status, "Idempotency-Replayed" in retried.headers) == (201, False), retried.body


async def test_keys_are_by_client_and_operation(gateway: RunningGateway, shop: TestChannel) -> None:
    """IDM-006."""
    offer = await gateway.offer(quantity=5)
    other = await gateway.channel("other")
    answers = [
        await shop.post("/orders", order_of(offer), key="k"),
        await other.post("/orders", order_of(offer), key="k"),
        await shop.post("/reservations", hold_of(offer), key="k"),
    ]
    assert [answer.status for answer in answers] == [201, 201, 201]


async def test_twenty_at_once_with_one_key_sell_once(gateway: RunningGateway, shop: TestChannel) -> None:
    """IDM-004."""
    offer = await gateway.offer(quantity=50)
    await shop.get("/orders")
    body = order_of(offer)
    answers = await asyncio.gather(*(shop.post("/orders", body, key="k") for _ in range(20)))
    good = [answer for answer in answers if answer.status == 201]
    assert {answer.code for answer in answers if answer.status != 201} <= {"idempotency_in_flight"}
    assert len({answer.body for answer in good}) == 1
    assert (await gateway.stock(offer))["sold"] == 1


@pytest.mark.parametrize("key", [None, "", "has space", "ü", "x" * 256])
async def test_a_missing_or_malformed_key_is_refused(
    gateway: RunningGateway, shop: TestChannel, key: str | None
) -> None:
    """IDM-001."""
    offer = await gateway.offer(quantity=1)
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = await shop.request("POST", "/orders", json=order_of(offer), headers=headers)
    assert (answer.status, answer.code) == (400, "idempotency_key_missing"), answer.body
    assert answer.json["errors"][0] == {**answer.json["errors"][0], "in": "header", "name": "Idempotency-Key"}


async def test_a_lost_answer_is_given_to_the_retry(gateway: RunningGateway, shop: TestChannel) -> None:
    """IDM-005: the work was done and committed, the connection broke, the retry gets the answer."""
    offer = await gateway.offer(codes=["ONLY"])
    await shop.get("/orders")
    await gateway.control("/faults", {"operation_id": "create_order", "count": 1, "drop_answer": True})
    body = order_of(offer)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await shop.post("/orders", body, key="k")
    assert (await gateway.stock(offer))["sold"] == 1
    retried = await shop.post("/orders", body, key="k")
    assert (retried.status, retried.headers["Idempotency-Replayed"]) == (201, "true")
    found = (await shop.get("/orders", params={"reference": body["reference"]})).json["items"]
    assert [order["id"] for order in found] == [retried.json["id"]]


async def test_a_replayed_reveal_is_the_same_and_not_cached(
    gateway: RunningGateway, shop: TestChannel
) -> None:
    """DLV-004; goods must not stay in a cache on the way."""
    offer = await gateway.offer(codes=["SECRET"])
    order = (await shop.post("/orders", order_of(offer))).json
    (delivery,) = (await shop.get(f"/orders/{order['id']}/deliveries")).json["items"]
    first, again = [await shop.post(f"/deliveries/{delivery['id']}/reveal", key="r") for _ in range(2)]
    assert first.body == again.body
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.headers["Cache-Control"] == again.headers["Cache-Control"] == "no-store"
    counted = (await shop.get(f"/orders/{order['id']}/deliveries")).json["items"][0]
    assert counted["reveal_count"] == 1
