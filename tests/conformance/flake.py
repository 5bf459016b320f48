"""`make flake`: certify each mini implementation over and over; every check must have the same verdict each time.

With `--burn`, as many processes as this machine has processors keep it busy meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import multiprocessing
import os
import sys
from collections.abc import Iterator

from conformance.model import Verdict
from conformance.runner import Run
from tests.conformance.conftest import certified_channel, certified_gateway

CERTIFY = {"gateway": certified_gateway, "channel": certified_channel}


def _burn() -> None:
    while True:
        sum(range(100_000))


@contextlib.contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keep so many processors busy."""
    burning = [multiprocessing.Process(target=_burn, daemon=True) for _ in range(processes)]
    for one in burning:
        one.start()
    try:
        yield
    finally:
        for one in burning:
            one.terminate()


def _tell(number: int, run: Run) -> None:
    odd = [(f.check.id, f.verdict.value, f.message) for f in run.findings if f.verdict is not Verdict.PASS]
    again = [name for name in run.transcript.stopped if ", try " in name]
    again += sorted({e.scenario for e in run.transcript.exchanges if ", try " in e.scenario} - set(again))
    print(f"  {number}: {run.verdict} in {run.seconds:.1f} s {odd or ''} {again or ''}", flush=True)


def main() -> int:
    """Certify, compare, say what differs; 1 when anything does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--burn", action="store_true")
    wish = parser.parse_args()
    wrong = 0
    with busy(os.cpu_count() or 1 if wish.burn else 0):
        for role, certify in CERTIFY.items():
            print(f"{role}, {wish.times} times{', on a busy machine' if wish.burn else ''}", flush=True)
            seen: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
            for number in range(1, wish.times + 1):
                run = asyncio.run(certify())
                _tell(number, run)
                for finding in run.findings:
                    seen[finding.check.id][finding.verdict.value] += 1
            flaky = {check: dict(found) for check, found in seen.items() if len(found) > 1}
            print(f"{role}: {len(seen)} checks, {len(flaky)} with more than one verdict {flaky or ''}")
            wrong += len(flaky)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
