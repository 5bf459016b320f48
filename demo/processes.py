"""Start the project's own commands as a person would, wait until they answer, and stop them by their pid."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

VGCP = [str(Path(sys.executable).with_name("vgcp"))]


class DemoError(Exception):
    """Something the demonstration cannot go on without; the message says what to do."""


def free_port() -> int:
    """A port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(*words: str, env: Mapping[str, str] | None = None, show: bool = False) -> str:
    """Run `vgcp …` to its end and give what it printed; raises DemoError with its own words when it fails."""
    stderr = None if show else subprocess.PIPE
    done = subprocess.run(
        [*VGCP, *words], stdout=subprocess.PIPE, stderr=stderr, text=True, env={**os.environ, **(env or {})}
    )
    if done.returncode != 0:
        raise DemoError(
            f"`vgcp {' '.join(words[:3])} …` ended with {done.returncode}:\n{done.stdout}{done.stderr or ''}"
        )
    return done.stdout


def json_command(*words: str, env: Mapping[str, str] | None = None) -> Any:
    """The same for a command that answers in JSON."""
    return json.loads(command(*words, "--json", env=env))


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 30) -> None:
    """Poll `url` until it answers 200; raises DemoError when the process ends or the time is up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise DemoError(f"A server ended with {process.returncode} before it was ready; see {log}")
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise DemoError(f"{url} did not answer within {seconds:.0f} s; see {log}")


@contextmanager
def server(
    words: Sequence[str], ready_url: str, log: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A `vgcp … serve` that answers when the block begins and has stopped in good order when it ends."""
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [*VGCP, *words], stdout=sink, stderr=sink, env={**os.environ, **(env or {})}
        )
    try:
        wait_until_ready(ready_url, process, log)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
