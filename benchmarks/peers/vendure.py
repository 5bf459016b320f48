"""Vendure: how it is installed and started, how a guest buys there, and what its database says afterwards."""

import json
import os
import re
import secrets
import select
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import make_url

from benchmarks.peers.sale import Books, Failed, Refused
from benchmarks.processes import STOPPING, run_sql

HERE = Path(__file__).parent
NODE = 20  # the oldest Node.js that this Vendure runs on
INSTALLING, STARTING = 600.0, 180.0
PROGRAMS = ("package.json", "shop.js")
WRONG = "... on ErrorResult { errorCode message }"
NOT_MOVED = "... on OrderStateTransitionError { transitionError }"
STEPS = (
    ('setCustomerForOrder(input: {firstName: "A", lastName: "B", emailAddress: "@"})', ""),
    ('setOrderShippingAddress(input: {streetLine1: "A", countryCode: "DE"})', ""),
    ('setOrderShippingMethod(shippingMethodId: ["1"])', ""),
    ('transitionOrderToState(state: "ArrangingPayment")', NOT_MOVED),
)


class Missing(Exception):
    """Vendure cannot be run here; the text says what is missing."""


def programs() -> None:
    """Are Node.js and npm there? Raises Missing."""
    absent = [name for name in ("node", "npm") if shutil.which(name) is None]
    if absent:
        raise Missing(f"{' and '.join(absent)} not found: install Node.js {NODE} or later, which brings both")
    said = subprocess.run(
        ["node", "--version"], capture_output=True, text=True, timeout=30, check=False
    ).stdout
    found = re.match(r"v(\d+)\.", said)
    if found is None or int(found.group(1)) < NODE:
        raise Missing(f"Node.js {said.strip() or 'of no version'} found: {NODE} or later is needed")


def install(folder: Path) -> None:
    """Put Vendure into this folder, unless it is there. Raises Missing when npm cannot."""
    wanted, stamp = (HERE / PROGRAMS[0]).read_bytes(), folder / ".installed"
    folder.mkdir(parents=True, exist_ok=True)
    for name in PROGRAMS:
        shutil.copy(HERE / name, folder)
    if stamp.exists() and stamp.read_bytes() == wanted:
        return
    command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALLING, check=True)
    except subprocess.TimeoutExpired as late:
        raise Missing(f"npm did not end within {INSTALLING:.0f} seconds") from late
    except subprocess.CalledProcessError as failed:
        raise Missing(f"npm could not install {folder / PROGRAMS[0]}:\n{failed.stderr[-1000:]}") from failed
    stamp.write_bytes(wanted)


@dataclass(frozen=True)
class Vendure:
    """A running Vendure. `products` are the ids of what is on sale."""

    url: str
    products: list[str]
    database: str
    name: str = "Vendure"

    def guest(self, http: aiohttp.ClientSession, product: str) -> "Guest":
        """Somebody who wants one of these."""
        return Guest(http, self.url, product)

    def books(self, product: str, units: int) -> Books:
        """Vendure keeps numbers, not goods: of its paid orders as many have a unit as there are units."""
        mine = f'"productVariantId" = {int(product)}'
        paid = (
            'SELECT coalesce(sum(l.quantity), 0)::int FROM order_line l JOIN "order" o ON o.id = l."orderId"'
            f" WHERE o.state = 'PaymentSettled' AND l.{mine}"
        )
        counters = f'SELECT "stockAllocated", "stockOnHand" - "stockAllocated" FROM stock_level WHERE {mine}'
        sold = run_sql(self.database, paid)[0][0]
        return Books(sold, min(sold, units), *run_sql(self.database, counters)[0])


class Guest:
    """Somebody without an account, through the shop API: six requests, the last of them pays."""

    def __init__(self, http: aiohttp.ClientSession, url: str, product: str) -> None:
        self._http, self._url, self._product = http, url, product
        self._headers: dict[str, str] = {}

    async def prepare(self) -> None:
        """Basket, name, address, way of sending."""
        await self._do(f'addItemToOrder(productVariantId: "{self._product}", quantity: 1)')
        for step, more in STEPS:
            await self._do(step.replace("@", f"{secrets.token_hex(8)}@example.test"), more)

    async def pay(self) -> None:
        """By a method that settles at once."""
        state = await self._do('addPaymentToOrder(input: {method: "at-once", metadata: {}})', NOT_MOVED)
        if state != "PaymentSettled":
            raise Failed(f"paid, and the order is {state}")

    async def _do(self, step: str, more: str = "") -> str:
        query = f"mutation {{ {step} {{ __typename ... on Order {{ state }} {WRONG} {more} }} }}"
        async with self._http.post(self._url, json={"query": query}, headers=self._headers) as answer:
            said = await answer.json()
            token = answer.headers.get("vendure-auth-token")
        if token:
            self._headers = {"authorization": f"Bearer {token}"}
        return read(said)


def read(said: dict[str, Any]) -> str:
    """The state of the order in an answer. Raises Refused for want of stock, Failed for anything else."""
    if said.get("errors"):
        raise Failed(str(said["errors"][0]["message"])[:120])
    (one,) = said["data"].values()
    if one["__typename"] == "Order":
        return str(one["state"])
    reason = f"{one['errorCode']}: {one.get('transitionError') or one['message']}"
    if "insufficient stock" in reason:
        raise Refused(reason)
    raise Failed(reason[:120])


@contextmanager
def vendure(folder: Path, installed: Path, database: str, products: int, units: int) -> Iterator[Vendure]:
    """Fill an empty database, serve it on the loopback, stop by SIGTERM. Raises RuntimeError when it does not start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = make_url(database)
    link = {"host": place.query["host"], "username": place.username, "database": place.database}
    settings = {"port": port, "database": link, "products": products, "units": units}
    environment = {**os.environ, "VENDURE_DISABLE_TELEMETRY": "true", "SHOP": json.dumps(settings)}
    with (folder / "vendure.log").open("wb") as log:
        process = subprocess.Popen(
            ["node", "shop.js"], cwd=installed, env=environment, stdout=subprocess.PIPE, stderr=log
        )
        try:
            said = _opened(process, folder / "vendure.log")
            yield Vendure(said["url"], said["products"], database)
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOPPING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOPPING)


def _opened(process: subprocess.Popen[bytes], log: Path) -> dict[str, Any]:
    """Read what it says until it says that it is open; `shop.js` says nothing more afterwards."""
    assert process.stdout is not None
    deadline, text = time.monotonic() + STARTING, b""
    while time.monotonic() < deadline and process.poll() is None:
        if select.select([process.stdout], [], [], 0.5)[0]:
            text += os.read(process.stdout.fileno(), 65536)
        opened = [line for line in text.splitlines(keepends=True) if line.startswith(b'{"url"')]
        if opened and opened[0].endswith(b"\n"):
            found: dict[str, Any] = json.loads(opened[0])
            return found
    raise RuntimeError(
        f"Vendure did not start:\n{(text + log.read_bytes())[-2000:].decode('utf-8', 'replace')}"
    )
