"""What tests of ownership do over HTTP: buy, look, resolve a buyer, show a certificate."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from tests.fixtures.gateway import TestChannel, call, order_of

Json = dict[str, Any]


async def buy(shop: TestChannel, offer: Json, who: str = "buyer-1", **members: Any) -> Json:
    """An order of one; what its buyer owns then, as her channel sees it."""
    made = await shop.post("/orders", order_of(offer, buyer={"reference": who}, **members))
    assert made.status == 201, made.body
    page = (await shop.get(f"/orders/{made.json['id']}/deliveries")).json
    return await owned(shop, page["items"][0]["entitlement_id"])


async def owned(shop: TestChannel, entitlement_id: str) -> Json:
    """The entitlement, as this channel sees it."""
    answer = await shop.get(f"/entitlements/{entitlement_id}")
    assert answer.status == 200, answer.body
    return dict(answer.json)


async def known(shop: TestChannel, who: str) -> str:
    """The id of a buyer whom the channel has resolved."""
    answer = await shop.post("/buyers/resolve", {"subject": who})
    assert answer.status == 200, answer.body
    return str(answer.json["id"])


async def certificate(shop: TestChannel, entitlement_id: str, **body: Any) -> str:
    """The certificate, with all its disclosures."""
    answer = await shop.post(f"/entitlements/{entitlement_id}/certificates", body)
    assert answer.status == 201, answer.body
    return str(answer.json["certificate"])


def claims_of(text: str) -> Json:
    """The payload of a signed part, unverified."""
    part = text.partition("~")[0].split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def only(text: str, *names: str) -> str:
    """What the holder shows when she discloses only these."""
    jwt, *rest, _ = text.split("~")
    kept = [
        one for one in rest if json.loads(base64.urlsafe_b64decode(one + "=" * (-len(one) % 4)))[1] in names
    ]
    return "~".join([jwt, *kept, ""])


async def status(text: str) -> int:
    """What the list says of a certificate, read as its specification says."""
    place = claims_of(text)["status"]["status_list"]
    answer = await call("GET", place["uri"])
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/statuslist+jwt")
    listed = claims_of(answer.body.decode())["status_list"]
    packed = listed["lst"] + "=" * (-len(listed["lst"]) % 4)
    raw = zlib.decompress(base64.urlsafe_b64decode(packed))
    return raw[place["idx"] // 4] >> place["idx"] % 4 * 2 & 3
