"""Watcher and courier under one roof: started and stopped beside the relay."""

from __future__ import annotations

from gateway.relay.courier import Courier
from gateway.relay.relay import Loop
from gateway.relay.sender import Clock
from gateway.relay.watcher import Watcher

LOOK, SEND = 5.0, 1.0  # seconds between two looks


class Lookout:
    """Two loops of their own, so that no alert waits for the trade, and no order for an alert."""

    def __init__(
        self, watcher: Watcher, courier: Courier | None, clock: Clock, look: float = LOOK, send: float = SEND
    ) -> None:
        self._watching = Loop("watcher", lambda: watcher.run_once(clock()), look)
        self._loops = [self._watching]
        if courier is not None:
            self._loops.append(Loop("courier", lambda: courier.run_once(clock()), send))

    def start(self) -> None:
        """Begin; needs a running event loop."""
        for loop in self._loops:
            loop.start()

    async def stop(self) -> None:
        """End. What was being sent is sent again after its lease."""
        for loop in self._loops:
            await loop.stop()
