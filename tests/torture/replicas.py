"""Gateways as processes: started ahead of time, waited for, killed."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from pathlib import Path

import psutil

from tests.fixtures.forked import Forked
from tests.fixtures.gateway import TEST_SECRET, Process, end, environment, start

START_SECONDS = 60.0


class Replica:
    """`vgcp gateway serve` in a process of its own, beginning to start at once; `ready` waits for it.

    `forked`: from a process that has loaded the same code, which takes a fraction of the time; see fixtures/forked.py.
    """

    def __init__(self, database: str, folder: Path, *, forked: bool = False, validate: bool = True) -> None:
        name = uuid.uuid4().hex[:8]
        self.database = database
        self.log_path = folder / f"gateway-{name}.log"
        self._ready_file = folder / f"ready-{name}.json"
        self.url = ""
        words = ["gateway", "serve", "--port", "0", "--sandbox", "--test-secret", TEST_SECRET]
        words += ["--database", database, "--log-level", "warning", "--ready-file", str(self._ready_file)]
        words += ["--validate-responses"] if validate else []
        self._process: Process = (
            Forked(words, self.log_path, environment()) if forked else start(words, self.log_path)
        )

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Not ended."""
        return self._process.poll() is None

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
        self._process.wait(10)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that does not help."""
        end(self._process)

    def memory(self) -> int:
        """Bytes of memory that it keeps (resident set)."""
        return int(psutil.Process(self.pid).memory_info().rss)
