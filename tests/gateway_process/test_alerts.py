"""Alerts from a real gateway to a real webhook, through a crash."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from pathlib import Path
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

from tests.fixtures.gateway import order_of, subprocess_gateway

SECRET = "whsec_" + base64.b64encode(b"the merchant's own, 32 bytes or so").decode()


async def test_a_sold_out_stock_is_told_though_the_gateway_was_killed(
    database_url: str, tmp_path: Path
) -> None:
    """Sold out while the webhook is down, then killed: the next process delivers it, signed; the log has one line."""
    got: list[dict[str, Any]] = []
    open_at = [False]

    async def take(request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        Webhook(SECRET).verify(body, dict(request.headers))
        if not open_at[0]:
            return web.Response(status=503)
        got.append(json.loads(body))
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/alerts", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    options = ("--alert-url", f"http://127.0.0.1:{runner.addresses[0][1]}/alerts", "--alert-secret", SECRET)
    with subprocess_gateway(database_url, tmp_path, *options) as gateway:
        shop = await gateway.channel("shop")
        offer = await gateway.offer(codes=["A", "B"])
        assert (await shop.post("/orders", order_of(offer, 2))).status == 201
        lines = await _told(gateway.log_path)
        assert [line["alert"] for line in lines] == ["stock.sold_out"]
        assert lines[0]["products"] == [offer["product"]["id"]]
        assert gateway.process is not None
        gateway.process.kill()
    open_at[0] = True
    with subprocess_gateway(database_url, tmp_path, *options) as gateway:
        async with asyncio.timeout(60):
            while not got:
                await asyncio.sleep(0.05)
        await asyncio.sleep(1)
        assert "stock alert" not in gateway.log_path.read_text()  # type: ignore[union-attr]
        assert SECRET not in gateway.log_path.read_text()  # type: ignore[union-attr]
    await runner.cleanup()
    [said] = got
    assert (said["type"], said["data"]["left"], said["data"]["sold"]) == ("stock.sold_out", 0, 2)
    assert said["data"]["offers"][0]["offer_id"] == offer["id"]


async def _told(log_path: Path | None) -> list[dict[str, Any]]:
    """The alerts in the log, once there is one."""
    assert log_path is not None
    until = time.monotonic() + 30
    while time.monotonic() < until:
        lines = [json.loads(one) for one in log_path.read_text().splitlines() if '"stock alert"' in one]
        if lines:
            return lines
        await asyncio.sleep(0.05)
    raise AssertionError(log_path.read_text()[-2000:])
