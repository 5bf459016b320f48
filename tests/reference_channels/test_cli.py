"""`vgcp webshop` as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
from click.testing import CliRunner

from reference_channels.webshop.cli import webshop
from tests.reference_channels.conftest import TEST_SECRET
from tests.reference_channels.scripted import SECRET, Fault, ScriptedGateway

START = 15


@contextmanager
def serving(folder: Path, *options: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The shop's process and where it is; killed in the end if it still runs."""
    command = [
        sys.executable,
        "-m",
        "spec.cli",
        "webshop",
        "serve",
        "--port",
        "0",
        "--data",
        str(folder / "data"),
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VGCP_")}
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(
            [*command, *options], stdout=subprocess.PIPE, stderr=log, text=True, cwd=folder,
            env={**kept, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
        )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().split()[-1]
    finally:
        process.kill()
        process.wait(START)
        assert process.stdout is not None
        process.stdout.close()


def test_help_shows_examples() -> None:
    """Both commands explain themselves."""
    assert "serve" in CliRunner().invoke(webshop, ["--help"]).output
    output = CliRunner().invoke(webshop, ["serve", "--help"]).output
    assert "Examples:" in output
    assert "--test-secret" in output


def test_half_a_connection_is_refused() -> None:
    """A gateway without credentials is a mistake, said before anything starts."""
    answer = CliRunner().invoke(webshop, ["serve", "--gateway", "http://127.0.0.1:1"])
    assert answer.exit_code == 2
    assert "--client-id" in answer.output


def test_a_taken_port_is_said(tmp_path: Path) -> None:
    """One line instead of a traceback."""
    with serving(tmp_path) as (_, url):
        answer = CliRunner().invoke(
            webshop, ["serve", "--port", url.rpartition(":")[2], "--data", str(tmp_path / "b")]
        )
    assert answer.exit_code == 1
    assert "cannot listen" in answer.output


def test_it_stops_gracefully(tmp_path: Path) -> None:
    """SIGTERM ends it with 0; its log is JSON; the health check answers while it runs."""
    with serving(tmp_path) as (process, url):
        with urllib.request.urlopen(url + "/healthz", timeout=5) as answer:
            assert json.load(answer)["status"] == "ok"
        process.send_signal(signal.SIGTERM)
        assert process.wait(START) == 0
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert {"serving", "request"} <= {line["message"] for line in lines}


async def test_killed_between_payment_and_answer_it_finishes_later(tmp_path: Path) -> None:
    """kill -9 while the order's answer is out: the next process has the goods, from one order with one key."""
    async with ScriptedGateway() as gateway:
        offer = gateway.add()
        gateway.faults = [Fault("create_order", count=999, drop="after")]
        options = (
            "--gateway",
            gateway.url,
            "--client-id",
            "shop",
            "--test-secret",
            TEST_SECRET,
            "--sync-every",
            "1",
        )
        secrets = {"VGCP_CLIENT_SECRET": "s3cret", "VGCP_WEBHOOK_SECRET": SECRET}
        with await asyncio.to_thread(_enter, tmp_path, options, secrets) as (process, url):
            await control(url, "POST", "/sync")
            asked = {"intent_id": "one", "offer_id": offer["id"], "quantity": 1, "buyer_reference": "ada"}
            buying = asyncio.create_task(control(url, "POST", "/purchases", asked))
            while not gateway.made("create_order"):
                await asyncio.sleep(0.01)
            process.kill()
            await asyncio.gather(buying, return_exceptions=True)
        gateway.faults = []
        with await asyncio.to_thread(_enter, tmp_path, options, secrets) as (process, url):
            seen = await fulfilled(url, "one")
    assert len(seen["goods_shown"]) == 1
    assert len(gateway.orders) == 1
    assert len({call.headers["Idempotency-Key"] for call in gateway.made("create_order")}) == 1
    assert gateway.made("list_orders")


class _Entered:
    """A context manager that was entered in another thread."""

    def __init__(self, inner: Any, value: Any) -> None:
        self.inner, self.value = inner, value

    def __enter__(self) -> tuple[subprocess.Popen[str], str]:
        return self.value  # type: ignore[no-any-return]

    def __exit__(self, *error: Any) -> None:
        self.inner.__exit__(*error)


def _enter(folder: Path, options: tuple[str, ...], environment: dict[str, str]) -> _Entered:
    inner = serving(folder, *options, **environment)
    return _Entered(inner, inner.__enter__())


async def control(url: str, method: str, path: str, body: Any = None) -> Any:
    """Test control of a shop in another process."""
    headers = {"VGCP-Test-Secret": TEST_SECRET}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.request(method, f"{url}/vgcp/v1/test{path}", json=body) as answer,
    ):
        text = await answer.text()
        assert answer.status < 300, text
        return json.loads(text) if text else None


async def fulfilled(url: str, intent: str) -> dict[str, Any]:
    """Wait until the buyer sees the order fulfilled."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        seen: dict[str, Any] = await control(url, "GET", f"/purchases/{intent}")
        if seen["outcome"] == "fulfilled":
            return seen
        await asyncio.sleep(0.1)
    raise AssertionError(seen)
