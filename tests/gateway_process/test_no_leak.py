"""After a sale the codes are nowhere but in the answer of the reveal (DLV-005, DLV-010)."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from aiohttp import web

from tests.fixtures.gateway import Answer, RunningGateway, TestChannel, order_of

CODES = [f"LEAKCHECK-{number:04d}-QWERTY" for number in range(20)]
MARK = b"LEAKCHECK"


class Receiver:
    """A channel that takes events and keeps every byte of them."""

    def __init__(self) -> None:
        self.bytes = b""
        self.types: list[str] = []
        self.url = ""

    async def discovery(self, _: web.Request) -> web.Response:
        """As a channel publishes it."""
        return web.json_response(
            {
                "protocol": "vgcp",
                "role": "channel",
                "name": "receiver",
                "versions": ["1.0"],
                "sandbox": True,
                "capabilities": [{"name": "events", "revision": 1}],
                "profiles": ["core"],
                "endpoints": {"api": f"{self.url}/vgcp/v1", "events": f"{self.url}/vgcp/v1/events"},
                "implementation": {"name": "receiver", "version": "1"},
                "signature_scheme": "standard_webhooks",
            }
        )

    async def event(self, request: web.Request) -> web.Response:
        """Taken."""
        body = await request.read()
        self.bytes += body + str(request.headers).encode()
        self.types.append(json.loads(body)["type"])
        return web.Response(status=204)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """One on loopback."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_get("/.well-known/vgcp", receiver.discovery)
    app.router.add_post("/vgcp/v1/events", receiver.event)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        await runner.cleanup()


async def sell(gateway: RunningGateway, shop: TestChannel, said: list[Answer]) -> None:
    """Orders, reveals, replays, refusals and bad requests; all but the reveals must be free of codes."""
    offer = await gateway.offer(codes=CODES[:12])
    for number in range(10):
        body = order_of(offer, reference=f"order-{number}")
        said += [order := await shop.post("/orders", body, key=f"k{number}")]
        said += [await shop.post("/orders", body, key=f"k{number}")]
        said += [listed := await shop.get(f"/orders/{order.json['id']}/deliveries")]
        path = f"/deliveries/{listed.json['items'][0]['id']}/reveal"
        for _ in range(2):
            shown = await shop.post(path, key=f"reveal{number}")
            assert shown.json["goods"]["code"]["value"] == CODES[number]
        said += [await shop.post(path, {"reason": 5})]
    said += await refusals(gateway, shop, offer)
    said += [await shop.get(path, params={"limit": 500}) for path in ("/orders", "/events", "/offers")]


async def refusals(gateway: RunningGateway, shop: TestChannel, offer: dict[str, Any]) -> list[Answer]:
    """Problems on requests that carry a code."""
    update = f"/offers/{offer['id']}"
    return [
        await gateway.control(update, {"add_codes": [CODES[0]]}),
        await gateway.control(update, {"add_codes": [CODES[15], CODES[15]]}),
        await gateway.control(update, {"add_codes": [{"code": CODES[16]}]}),
        await gateway.control("/offers", {"product_name": "x", "codes": CODES[17]}),
        await shop.post("/orders", {"reference": CODES[0], "lines": CODES}),
        await shop.get("/orders", params={"cursor": CODES[0]}),
        await shop.get(f"/orders/{CODES[0]}"),
    ]


async def dump(database: str) -> bytes:
    """Every byte that the database has on disk or gives out."""
    if database.startswith("sqlite"):
        path = Path(database.removeprefix("sqlite:///"))
        with sqlite3.connect(path) as link:
            link.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        link.close()
        return b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))
    link = await asyncpg.connect(database)
    try:
        tables = await link.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [await link.fetch(f'SELECT t::text, * FROM "{table[0]}" t') for table in tables]
    finally:
        await link.close()
    return "".join(str(list(row.values())) for table in rows for row in table).encode()


async def test_no_code_is_anywhere_but_in_the_reveals(process: RunningGateway) -> None:
    """Answers, problems, events, headers, the log and the database are searched, also for what was only tried."""
    said: list[Answer] = []
    async with receiving() as receiver:
        shop = await process.channel("shop", channel_url=receiver.url)
        await sell(process, shop, said)
        for _ in range(200):
            if receiver.types.count("delivery.ready") >= 10:
                break
            await asyncio.sleep(0.05)
        assert receiver.types.count("delivery.ready") == 10
    assert {201, 409, 422} <= {answer.status for answer in said}
    for answer in said:
        assert MARK not in answer.body + str(answer.headers).encode(), answer.status
    assert MARK not in receiver.bytes
    assert process.process is not None
    process.process.terminate()
    assert process.process.wait(15) == 0
    assert process.log_path is not None
    log = process.log_path.read_bytes()
    stored = await dump(process.database)
    assert b"create_order" in log
    assert shop.client_id.encode() in stored
    for secret in (MARK, shop.client_secret.encode(), shop.webhook_secret.encode()):
        assert secret not in log
        assert secret not in stored
    assert process.test_secret.encode() not in log


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    """The same dump shows a code that is stored in the clear."""
    path = tmp_path / "clear.db"
    with sqlite3.connect(path) as link:
        link.execute("CREATE TABLE codes (code TEXT)")
        link.execute("INSERT INTO codes VALUES (?)", (CODES[0],))
    link.close()
    assert MARK in asyncio.run(dump(f"sqlite:///{path}"))
    assert subprocess.run(["grep", "-q", "LEAKCHECK", path], check=False).returncode == 0
