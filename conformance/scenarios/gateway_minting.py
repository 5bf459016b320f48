"""A story of tokens: bought for an address, and for addresses that are none."""

from __future__ import annotations

from conformance.driver.gateway_client import GatewaySession
from conformance.driver.shop import Json, Shop
from conformance.model import scenario
from conformance.scenarios.gateway_making import watch

FORM: Json = {
    "type": "object",
    "required": ["address"],
    "properties": {"address": {"type": "string", "maxLength": 64}},
}
OWNER = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # a test case of EIP-55
ADDRESSES = {
    "wrong checksum": OWNER.replace("Aeb6", "aeb6"),
    "too short": OWNER[:-1],
    "no hexadecimal": OWNER[:-1] + "g",
}


@scenario("tokens", role="gateway", capability="tokens")
async def tokens(s: GatewaySession) -> None:
    """Addresses that are none are refused; a token for one that is, another for it in small letters, and a code."""
    shop = await s.shop()
    offer = await shop.offer(delivery_kind="token", buyer_input=FORM, on_demand={"supplier": "makes"})
    s.transcript.note("owner", OWNER)
    for label, address in ADDRESSES.items():
        body = shop.ordering(offer, buyer_input={"address": address})
        await shop.do("create_order", label, body=body)
    for label, address in (("first token", OWNER), ("another token", OWNER.lower())):
        body = shop.ordering(offer, buyer_input={"address": address})
        order = await shop.must("create_order", label, body=body)
        await watch(shop, order, f"{label} in the end")
        for delivery in await shop.deliveries(order, f"{label} deliveries"):
            await shop.reveal(delivery, f"{label} reveal")
            await _look(shop, delivery, f"{label} owned")
            await s.test("test_move_token", f"{label} move", path={"delivery_id": delivery["id"]})
            await _look(shop, delivery, f"{label} moved")
    supply = {"supplier": "forgetful"}
    lost = await shop.offer("lost answers", delivery_kind="token", buyer_input=FORM, on_demand=supply)
    body = shop.ordering(lost, buyer_input={"address": OWNER})
    order = await shop.must("create_order", "lost answer", body=body)
    await watch(shop, order, "lost answer in the end")
    await shop.deliveries(order, "lost answer deliveries")
    plain = await shop.offer("offer of a code")
    order = await shop.must("create_order", "no token", body=shop.ordering(plain))
    for delivery in await shop.deliveries(order, "no token deliveries"):
        await _look(shop, delivery, "no token owned")


async def _look(shop: Shop, delivery: Json, label: str) -> None:
    """What is owned by a delivery, where the gateway has entitlements."""
    if shop.session.serves("get_entitlement"):
        path = {"entitlement_id": str(delivery.get("entitlement_id", "none"))}
        await shop.do("get_entitlement", label, path=path)
