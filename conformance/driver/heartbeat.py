"""How late the suite itself is: a busy machine must not be taken for a fault of the implementation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from conformance.timing import HEARTBEAT
from conformance.transcript import Transcript


@asynccontextmanager
async def heartbeat(transcript: Transcript) -> AsyncIterator[None]:
    """Note as the fact `lag` by how many seconds this process was late at worst, for judges of pauses."""
    worst = 0.0

    async def beat() -> None:
        nonlocal worst
        while True:
            due = transcript.now() + HEARTBEAT
            await asyncio.sleep(HEARTBEAT)
            worst = max(worst, transcript.now() - due)

    heart = asyncio.create_task(beat())
    try:
        yield
    finally:
        heart.cancel()
        transcript.note("lag", round(worst, 3))
