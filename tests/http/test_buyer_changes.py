"""The audit of what came together and apart, as a sandbox shows it, on both databases."""

from __future__ import annotations

from tests.fixtures.gateway import RunningGateway, TestChannel
from tests.http.owning import known


async def test_joinings_and_splittings_are_on_record(gateway: RunningGateway, shop: TestChannel) -> None:
    """IDN-048: with time, trace and accounts; and nobody's account has none."""
    bot = await gateway.channel("bot")
    here, there = await known(shop, "mia"), await known(bot, "m-7")
    made = (await shop.post(f"/buyers/{here}/links", {"kind": "link_code"})).json
    joined = await bot.post(f"/buyers/{there}/links/redeem", {"code": made["link_code"]["code"]})
    ended = await shop.request("DELETE", f"/buyers/{here}/links/{made['id']}")
    assert (joined.status, ended.status) == (200, 200)
    found = (await gateway.control(f"/buyers/{here}/changes", method="GET")).json["items"]
    assert [one["change"] for one in found] == ["joined", "split"]
    assert [one["accounts"] for one in found] == [sorted((here, there))] * 2
    traces = [one.headers["traceparent"].split("-")[1] for one in (joined, ended)]
    assert [one["trace_id"] for one in found] == traces
    assert (await gateway.control("/buyers/buy_none/changes", method="GET")).json == {"items": []}
