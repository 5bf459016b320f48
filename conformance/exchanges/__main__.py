"""`python -m conformance.exchanges`: record the examples anew (two minutes), and how each requirement is found out."""

from __future__ import annotations

import asyncio
import sys

from conformance import marks
from conformance.exchanges import write
from conformance.exchanges.record import found_out, record


async def main() -> None:
    """Both roles, one after the other."""
    rights = []
    for role in marks.ROLES:
        found, right = await record(role)
        write(role, found)
        rights.append(right)
        sys.stdout.write(f"{role}: {len(found)} requirements with a right and a wrong exchange\n")
    marks.write(found_out(rights))


if __name__ == "__main__":
    asyncio.run(main())
