"""Where the suite's own choices come from: ids, keys of idempotency, references, prices, one source for each scene.

The source of a scene is seeded with the run's seed and the scene's name, so that scenarios that run side by side do
not change one another's choices. Cryptographic keys, codes and nonces of runs are not made here.
"""

from __future__ import annotations

import random
from contextvars import ContextVar

source: ContextVar[random.Random] = ContextVar("chance", default=random.Random())  # noqa: S311, B039


def hexes(size: int) -> str:
    """So many bytes as hexadecimal digits."""
    return source.get().randbytes(size).hex()


def below(limit: int) -> int:
    """A number from 0 to below the limit."""
    return source.get().randrange(limit)
