"""Sealed delivery over real sockets: keys refused without effect, and gateways that do not offer it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conformance import jwe
from tests.fixtures.gateway import RunningGateway, TestChannel, call, in_process, order_of

KEY = jwe.new_key()


async def test_goods_come_sealed(gateway: RunningGateway, shop: TestChannel) -> None:
    """DLV-020, DLV-031: also when the answer is given again; the code is in no answer at all."""
    offer = await gateway.offer(codes=["WIRE-CODE-1", "WIRE-CODE-2"])
    made = await shop.post("/orders", order_of(offer, recipient_key=jwe.public(KEY)), key="k1")
    again = await shop.post("/orders", order_of(offer, recipient_key=jwe.public(KEY)), key="k2")
    assert (made.status, again.status) == (201, 201), made.body
    assert made.json["recipient_key"]["kid"] == jwe.thumbprint(KEY)
    listed = await shop.get(f"/orders/{made.json['id']}/deliveries")
    (delivery,) = listed.json["items"]
    assert delivery["sealed_to"] == jwe.thumbprint(KEY)
    answers = [await shop.post(f"/deliveries/{delivery['id']}/reveal", key="open") for _ in range(2)]
    assert answers[0].body == answers[1].body
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert answers[0].headers["Cache-Control"] == "no-store"
    goods = jwe.open_sealed(answers[0].json["goods"]["sealed"]["jwe"], KEY).content
    assert json.loads(goods)["code"]["value"] == "WIRE-CODE-1"
    events = await shop.get("/events")
    for answer in (made, again, listed, *answers, events):
        assert b"WIRE-CODE" not in answer.body


@pytest.mark.parametrize(
    ("key", "member"),
    [
        (KEY, "d"),
        ({"kty": "oct", "k": "c2VjcmV0"}, "k"),
        ({**jwe.public(KEY), "crv": "secp256k1"}, "crv"),
        ({**jwe.public(KEY), "y": jwe.public(KEY)["x"]}, "x"),
        ({**jwe.public(KEY), "alg": "RSA-OAEP-256"}, "alg"),
    ],
)
async def test_bad_keys_change_nothing(
    gateway: RunningGateway, shop: TestChannel, key: dict[str, Any], member: str
) -> None:
    """DLV-025 to DLV-027, ERR-002, ERR-009: 422 with the member; the idempotency key is free, and so is the stock."""
    offer = await gateway.offer(codes=["A"])
    body = order_of(offer, recipient_key=key)
    refused = await shop.post("/orders", body, key="k")
    assert (refused.status, refused.code) == (422, "recipient_key_invalid")
    assert [one["pointer"] for one in refused.json["errors"]] == [f"/recipient_key/{member}"]
    assert str(key[member]).encode() not in refused.body or member == "x"
    assert (await gateway.stock(offer))["available"] == 1
    good = await shop.post("/orders", body | {"recipient_key": jwe.public(KEY)}, key="k")
    assert good.status == 201, good.body


@pytest.mark.parametrize("key", [None, "text", [], {}, {"kty": 5}, {"kty": "EC", "x": 1}, {"kty": "E" * 17}])
async def test_what_is_no_key_at_all_is_invalid(gateway: RunningGateway, shop: TestChannel, key: Any) -> None:
    """ERR-002: what does not fit the type is refused by the type, naming the place."""
    offer = await gateway.offer(codes=["A"])
    refused = await shop.post("/orders", order_of(offer, recipient_key=key))
    assert (refused.status, refused.code) == (422, "invalid")
    assert refused.json["errors"][0]["pointer"].startswith("/recipient_key")
    assert (await gateway.stock(offer))["available"] == 1


async def test_a_gateway_that_does_not_seal_says_so(tmp_path: Path) -> None:
    """DLV-028: nothing declared, nothing sold to a key, and everything as ever without one."""
    with in_process(f"sqlite:///{tmp_path}/plain.db", sealed_delivery=False) as gateway:
        shop, offer = await gateway.channel("shop"), await gateway.offer(codes=["A"])
        document = (await call("GET", f"{gateway.url}/.well-known/vgcp")).json
        assert "sealed_delivery" not in [one["name"] for one in document["capabilities"]]
        assert document["profiles"] == ["core", "identity"]
        refused = await shop.post("/orders", order_of(offer, recipient_key=jwe.public(KEY)))
        assert (refused.status, refused.code) == (422, "sealing_not_supported")
        assert (await gateway.stock(offer))["available"] == 1
        assert (await shop.post("/orders", order_of(offer))).status == 201
