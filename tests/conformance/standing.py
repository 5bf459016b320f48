"""A mini channel in a thread of its own, for tests that run the commands in this process; and a failed run's files."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from conformance.mini_channel import MiniChannel

SECRET = "only-for-tests"


@contextmanager
def standing(fault: str = "") -> Iterator[str]:
    """The origin of a mini channel with this fault."""
    loop, up, url = asyncio.new_event_loop(), threading.Event(), []

    async def serve(stop: asyncio.Event) -> None:
        async with MiniChannel(SECRET, fault) as channel:
            url.append(channel.url)
            up.set()
            await stop.wait()

    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve(stop)))
    thread.start()
    try:
        assert up.wait(10)
        yield url[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
