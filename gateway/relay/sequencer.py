"""Numbers the offer and event feeds after the commit, so that no reader can skip a row that commits late."""

from __future__ import annotations

from gateway.relay.ports import Feeds

BATCH = 1000
ROUNDS = 50


class Sequencer:
    """The only one who gives positions; safe to run in every replica, because the numbering is under a lock row."""

    def __init__(self, feeds: Feeds) -> None:
        self._feeds = feeds

    async def run_once(self) -> int:
        """Number what is committed and has no position yet, in bounded transactions; how many rows."""
        total = 0
        for _ in range(ROUNDS):
            numbered = await self._feeds.number_feeds(BATCH)
            total += numbered
            if numbered == 0:
                break
        return total
