"""Stories of sealed delivery: sold, replaced and paid later for a buyer's key; and keys that must not be taken."""

from __future__ import annotations

import secrets

from cryptography.hazmat.primitives.asymmetric import ec

from conformance import jwe
from conformance.driver.gateway_client import GatewaySession
from conformance.driver.shop import EUR, Json, Shop
from conformance.model import scenario

LINK = "https://files.example/a.zip"


def _key(s: GatewaySession, curve: ec.EllipticCurve | None = None) -> Json:
    """A buyer's key pair; its private half is a secret of this run."""
    made = jwe.new_key(curve)
    s.transcript.secret(made["d"])
    return made


async def _buy(shop: Shop, offer: Json, label: str, key: Json | None, quantity: int = 1) -> Json:
    """An order for the key, which is shown, listed and opened twice."""
    body = shop.ordering(offer, quantity) | ({"recipient_key": jwe.public(key)} if key else {})
    order = await shop.must("create_order", f"{label} order", body=body)
    for delivery in await shop.deliveries(order, f"{label} deliveries"):
        await shop.reveal(delivery, f"{label} reveal")
        await shop.reveal(delivery, f"{label} reveal again")
    return order


@scenario("sealed_sale", role="gateway", capability="sealed_delivery")
async def sealed_sale(s: GatewaySession) -> None:
    """Codes, a licence and a download for a key, one code for another algorithm, and one without a key."""
    shop, key = await s.shop(), _key(s)
    s.transcript.note("key", key)
    codes = s.codes(5)
    s.transcript.note("codes", codes)
    offer = await shop.offer(codes=codes)
    order = await _buy(shop, offer, "sealed", key, 2)
    await shop.do("get_order", "sealed order again", path={"order_id": order["id"]})
    await _buy(shop, offer, "wrapped", key | {"alg": jwe.WRAPPED})
    await _buy(shop, offer, "open", None)
    await _buy(shop, await shop.offer(delivery_kind="licence"), "licence", key)
    link = await shop.offer(delivery_kind="download", unlimited=True, download_url=LINK)
    await _buy(shop, link, "download", key)
    found = await shop.deliveries(order, "sealed deliveries after")
    wish = {"delivery_id": found[0]["id"] if found else "dlv_none", "reason": "dead"}
    path = {"order_id": order["id"]}
    made = (await shop.must("create_replacement", "replace", path=path, body=wish)).get("delivery")
    if isinstance(made, dict) and "id" in made:
        await shop.reveal(made, "replacement reveal")


@scenario("sealed_later", role="gateway", capability="sealed_delivery")
async def sealed_later(s: GatewaySession) -> None:
    """A pending order for a key, whose payment is confirmed."""
    shop, key = await s.shop(), _key(s)
    s.transcript.note("key", key)
    offer = await shop.offer(codes=s.codes(2))
    body = shop.ordering(offer, 1, pay="pending") | {"recipient_key": jwe.public(key)}
    order = await shop.must("create_order", "pending for a key", body=body)
    paid: Json = {"amount": EUR, "method": "late"}
    await shop.must("confirm_payment", "paid", path={"order_id": order["id"]}, body=paid)
    for delivery in await shop.deliveries(order):
        await shop.reveal(delivery, "reveal when paid")


@scenario("refused_keys", role="gateway", capability="sealed_delivery")
async def refused_keys(s: GatewaySession) -> None:
    """Keys that are private, of another kind, off the curve, or for something else; beside one that is right."""
    shop, key = await s.shop(), _key(s)
    public, other = jwe.public(key), jwe.public(_key(s))
    offer = await shop.offer(quantity=60)
    bad: dict[str, Json] = {
        "private": key,
        "symmetric": {"kty": "oct", "k": jwe.encode(secrets.token_bytes(32))},
        "another curve": jwe.public(_key(s, ec.SECP384R1())),
        "another kind": {"kty": "RSA", "n": jwe.encode(b"\xff" * 2048), "e": "AQAB"},
        "off the curve": public | {"y": other["y"]},
        "cut short": public | {"x": public["x"][:-4]},
        "without a point": {"kty": "EC", "crv": "P-256"},
        "another alg": public | {"alg": "RSA-OAEP-256"},
        "for signatures": public | {"use": "sig"},
        "to sign": public | {"key_ops": ["sign"]},
    }
    s.transcript.secret(bad["symmetric"]["k"])
    fine = public | {"use": "enc", "alg": jwe.DIRECT, "key_ops": ["deriveBits"], "ext": True}
    for label, one in {"right key": public, "right key, described": fine}.items():
        await shop.do("create_order", label, body=shop.ordering(offer) | {"recipient_key": one})
    await s.stock(offer, "stock before")
    for label, one in bad.items():
        await shop.do("create_order", label, body=shop.ordering(offer) | {"recipient_key": one})
    await s.stock(offer, "stock after")


@scenario("sealed_or_refused", role="gateway")
async def sealed_or_refused(s: GatewaySession) -> None:
    """An order for a key, whatever the gateway declares; and its near-twin without."""
    shop, key = await s.shop(), _key(s)
    offer = await shop.offer(quantity=5)
    s.transcript.note("declared", "sealed_delivery" in s.capabilities)
    await shop.order(offer, "without a key")
    await s.stock(offer, "stock before")
    await shop.do("create_order", "for a key", body=shop.ordering(offer) | {"recipient_key": jwe.public(key)})
    await s.stock(offer, "stock after")
