"""Starts the implementation under test and stops it afterwards, by its own process group."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import IO

import aiohttp

from conformance.model import AbortedError

SECONDS = 30.0  # until the implementation must answer
NOTICE = 0.05  # seconds until it is noticed that it has ended by itself
GRACE = 5.0  # seconds that it has to stop by itself
TAIL = 1500  # characters of its output that are shown when it ends by itself or does not come up


class LaunchError(AbortedError):
    """The implementation did not come up; the text says why, and so does the void run."""


@contextmanager
def cancellable() -> Iterator[None]:
    """While inside, SIGTERM (a CI server cancels) does what Ctrl-C does, so that what was launched is stopped."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@asynccontextmanager
async def launched(
    command: Sequence[str], url: str, seconds: float = SECONDS, hidden: str = ""
) -> AsyncIterator[None]:
    """While inside, the command runs and its discovery document is served at `url`.

    Raises LaunchError when something else answers there already, when the command ends, or after `seconds`. What it
    printed is told on standard error when it ends by itself, without `hidden`; it is in no report.
    """
    if await _answers(url):
        raise LaunchError(f"something answers at {url} already; stop it, or leave out `start`")
    with tempfile.TemporaryFile() as log:
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        except OSError as error:
            raise LaunchError(f"`start` cannot be run: {error}") from error
        try:
            try:
                await _until_up(process, url, seconds)
            except LaunchError:
                _tell(log, hidden)
                raise
            try:
                yield
            finally:
                if await _ended(process):
                    sys.stderr.write(f"`start` ended with {process.returncode} during the run\n")
                    _tell(log, hidden)
        finally:
            await _stop(process)


async def _until_up(process: asyncio.subprocess.Process, url: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not 0 < await _answers(url) < 500:  # a proxy or a framework may stand there before it is up
        if process.returncode is not None:
            raise LaunchError(f"`start` ended with {process.returncode}")
        if time.monotonic() > deadline:
            raise LaunchError(f"`start` did not serve {url} within {seconds:g} s")
        await asyncio.sleep(0.1)
    if process.returncode is not None:
        raise LaunchError(f"`start` ended with {process.returncode}, and something else answers at {url}")


async def _ended(process: asyncio.subprocess.Process) -> bool:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), NOTICE)
    return process.returncode is not None


async def _answers(url: str) -> int:
    """The status of the answer for its discovery document; 0 when there is none."""
    timeout = aiohttp.ClientTimeout(total=2)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as client,
            client.get(f"{url}/.well-known/vgcp", allow_redirects=False) as answer,
        ):
            return answer.status
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return 0


def _tell(log: IO[bytes], hidden: str) -> None:
    log.seek(0)
    text = log.read().decode("utf-8", "replace").strip()
    if hidden:
        text = text.replace(hidden, "(the test secret)")
    sys.stderr.write(f"`start` printed:\n{text[-TAIL:]}\n" if text else "`start` printed nothing\n")


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Stop it and what it started: they are one process group, whose id is the process's."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), GRACE)
