"""Whose order it was stays with its channel, wherever the goods go."""

from __future__ import annotations

from tests.fixtures.gateway import RunningGateway, TestChannel
from tests.http.owning import buy, known

NAMED = {"order_id", "line_id"}


async def test_a_new_owners_channel_is_told_of_no_order(gateway: RunningGateway, shop: TestChannel) -> None:
    """OWN-036: not at a reveal, nor a second one, in the entitlement or in events; back on its own channel it is."""
    bot = await gateway.channel("bot")
    one = await buy(shop, await gateway.offer(transferable="always", codes=["A"]))
    at = f"/deliveries/{one['delivery_id']}/reveal"
    order_id = one["order_id"]
    first = (await shop.post(at)).json["delivery"]
    assert (first["order_id"], first.keys() & NAMED) == (order_id, NAMED)
    for here, there, told in ((shop, bot, False), (bot, shop, True)):
        code = (await here.post(f"/entitlements/{one['id']}/transfers")).json["code"]
        to = {"buyer_id": await known(there, "mia"), "code": code}
        assert (await there.post("/transfers/accept", to)).status == 200
        for _ in range(2):
            seen = (await there.post(at)).json
            assert (seen["goods"]["code"]["value"], NAMED & seen["delivery"].keys()) == (
                "A",
                NAMED if told else set(),
            )
    shown = [(await bot.get("/events")).json, (await bot.get(f"/entitlements/{one['id']}")).json]
    assert order_id not in str(shown)
    assert (await bot.get(f"/orders/{order_id}/deliveries")).code == "not_found"
