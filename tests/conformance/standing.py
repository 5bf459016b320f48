"""A mini channel in a thread of its own, for tests that run the commands in this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from conformance.mini_channel import MiniChannel

SECRET = "only-for-tests"


@contextmanager
def standing(fault: str = "") -> Iterator[str]:
    """The origin of a mini channel with this fault."""
    up, told = threading.Event(), list[Any]()

    async def serve() -> None:
        async with MiniChannel(SECRET, fault) as channel:
            stop = asyncio.Event()
            told.extend((channel.url, asyncio.get_running_loop(), stop))
            up.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert up.wait(10)
        yield told[0]
    finally:
        told[1].call_soon_threadsafe(told[2].set)
        thread.join(10)
