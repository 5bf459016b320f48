"""Gateways as processes: started ahead of time, waited for, killed."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import psutil

from tests.fixtures.gateway import TEST_SECRET, VAULT_KEYS, end

START_SECONDS = 60.0


class Replica:
    """`vgcp gateway serve` in a process of its own, beginning to start at once; `ready` waits for it.

    `forked`: not as a command but forked from a process that has loaded the same code, which starts in a fraction of
    the time; for tests that start hundreds.
    """

    def __init__(self, database: str, folder: Path, *, forked: bool = False, validate: bool = True) -> None:
        name = uuid.uuid4().hex[:8]
        self.database = database
        self.log_path = folder / f"gateway-{name}.log"
        self._ready_file = folder / f"ready-{name}.json"
        self._process: Any
        self.url = ""
        if forked:
            self._fork(validate)
        else:
            self._start(validate)

    def _start(self, validate: bool) -> None:
        command = [sys.executable, "-m", "spec.cli", "gateway", "serve", "--port", "0", "--sandbox"]
        command += ["--test-secret", TEST_SECRET, "--database", self.database, "--log-level", "warning"]
        command += ["--ready-file", str(self._ready_file), *(["--validate-responses"] if validate else [])]
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment())

    def _fork(self, validate: bool) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.torture.warm"])
        settings = {
            "database": self.database,
            "port": 0,
            "sandbox": True,
            "test_secret": TEST_SECRET,
            "vault_keys": VAULT_KEYS,
            "ready_file": self._ready_file,
            "validate_responses": validate,
            "log_level": "warning",
        }
        self._process = context.Process(target=serve, args=(settings, str(self.log_path)), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """The process."""
        return int(self._process.pid)

    @property
    def alive(self) -> bool:
        """Not ended."""
        forked = not isinstance(self._process, subprocess.Popen)
        return bool(self._process.is_alive()) if forked else self._process.poll() is None

    async def ready(self) -> Replica:
        """Wait until it takes requests."""
        deadline = time.monotonic() + START_SECONDS
        while not self._ready_file.exists():
            if not self.alive or time.monotonic() > deadline:
                raise AssertionError(f"the gateway did not start:\n{self.log_path.read_text()[-4000:]}")
            await asyncio.sleep(0.02)
        self.url = str(json.loads(self._ready_file.read_text())["url"])
        return self

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._wait(10)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that does not help."""
        if isinstance(self._process, subprocess.Popen):
            end(self._process)
            return
        self._process.terminate()
        self._wait(20)
        if self._process.is_alive():
            self._process.kill()

    def memory(self) -> int:
        """Bytes of memory that it keeps (resident set)."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def _wait(self, seconds: float) -> None:
        if isinstance(self._process, subprocess.Popen):
            self._process.wait(seconds)
        else:
            self._process.join(seconds)


def serve(settings: dict[str, Any], log_path: str) -> None:
    """What the command does, in a process that is there already."""
    from gateway.serving import serve as run
    from gateway.settings import Settings

    log = os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os._exit(run(Settings(**settings)))


def environment() -> dict[str, str]:
    """For the project's commands: this tree's code, the tests' vault keys, nothing of the caller's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VGCP_")}
    return kept | {"PYTHONPATH": str(Path(__file__).parents[2]), "VGCP_VAULT_KEYS": VAULT_KEYS}
