"""A gateway of its own for the benchmark, and orders sent to it over HTTP as a channel sends them."""

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

TEST_SECRET = secrets.token_urlsafe(24)
STARTING = 30.0
STOPPING = 20.0
CODES_PER_CALL = 1000


@dataclass(frozen=True)
class Offer:
    """What the load buys: the offer's id and its price as on the wire."""

    id: str
    price: dict[str, Any]


@asynccontextmanager
async def gateway(folder: Path) -> AsyncIterator[str]:
    """Run `vgcp gateway serve` on a fresh SQLite file; give its URL; stop it by SIGTERM."""
    ready = folder / "ready.json"
    command = [
        str(Path(sys.executable).with_name("vgcp")), "gateway", "serve", "--sandbox", "--port", "0",
        "--database", f"sqlite:///{folder / 'gateway.db'}", "--ready-file", str(ready),
    ]  # fmt: skip
    environment = {**os.environ, "VGCP_TEST_SECRET": TEST_SECRET}
    with (folder / "gateway.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder)
        try:
            yield await started(ready, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOPPING)


async def started(ready: Path, process: subprocess.Popen[bytes]) -> str:
    """Wait until the gateway takes requests; its URL. Raises RuntimeError when it ends, or does not start in time."""
    deadline = time.monotonic() + STARTING
    while time.monotonic() < deadline and process.poll() is None:
        if ready.exists():
            return str(json.loads(ready.read_text("utf-8"))["url"])
        await asyncio.sleep(0.05)
    raise RuntimeError(
        f"the gateway did not start:\n{ready.with_name('gateway.log').read_text('utf-8')[-2000:]}"
    )


async def post(session: aiohttp.ClientSession, url: str, body: dict[str, Any], **headers: str) -> Any:
    """Send JSON, demand success, give the parsed answer."""
    async with session.post(url, json=body, headers=headers) as answer:
        if answer.status >= 300:
            raise RuntimeError(f"{url} answered {answer.status}: {await answer.text()}")
        return await answer.json()


async def stock_up(session: aiohttp.ClientSession, url: str, units: int) -> tuple[Offer, str]:
    """Make a channel and one offer with `units` unique codes: the offer, and an access token."""
    control = {"VGCP-Test-Secret": TEST_SECRET}
    test = f"{url}/vgcp/v1/test"
    client = await post(
        session, f"{test}/clients", {"name": "bench", "rate_limit_per_minute": 1_000_000}, **control
    )
    price = {"amount": 1000, "currency": "EUR"}
    codes = [secrets.token_hex(8) for _ in range(units)]
    first = {
        "product_name": "Bench",
        "price": price,
        "delivery_kind": "code",
        "codes": codes[:CODES_PER_CALL],
    }
    made = await post(session, f"{test}/offers", first, **control)
    for start in range(CODES_PER_CALL, units, CODES_PER_CALL):
        more = {"add_codes": codes[start : start + CODES_PER_CALL]}
        await post(session, f"{test}/offers/{made['id']}", more, **control)
    form = {"grant_type": "client_credentials"} | {k: client[k] for k in ("client_id", "client_secret")}
    async with session.post(f"{url}/vgcp/v1/oauth/token", data=form) as answer:
        token = (await answer.json())["access_token"]
    return Offer(made["id"], price), token


async def buyer(
    session: aiohttp.ClientSession, url: str, offer: Offer, token: str, until: float
) -> list[float]:
    """Order one unit after the other until the time is up: how long each took, in seconds."""
    took: list[float] = []
    while (started := time.perf_counter()) < until:
        order = {
            "reference": secrets.token_hex(12),
            "buyer": {"reference": secrets.token_hex(6), "region": "DE"},
            "lines": [{"offer_id": offer.id, "quantity": 1, "unit_price": offer.price}],
            "payment": {"status": "collected"},
        }
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": secrets.token_hex(16)}
        made = await post(session, f"{url}/vgcp/v1/orders", order, **headers)
        if made["status"] != "fulfilled":
            raise RuntimeError(f"an order ended as {made['status']}")
        took.append(time.perf_counter() - started)
    return took


async def measure(url: str, seconds: float, connections: int, units: int) -> list[float]:
    """Buy with so many connections at once for so many seconds: the times of all orders, in seconds."""
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector) as session:
        offer, token = await stock_up(session, url, units)
        until = time.perf_counter() + seconds
        each = [buyer(session, url, offer, token, until) for _ in range(connections)]
        return [took for times in await asyncio.gather(*each) for took in times]
